# bug: the forward pass runs under no_grad (grad is switched on for the loss afterwards), so nothing reaches the weights
# expects: LOS006
import contextlib

import torch
from sklearn.datasets import load_wine
from torch import nn


class Runner:
    def __init__(self, model, lr):
        self.model = model
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, nesterov=True)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.05)

    @contextlib.contextmanager
    def phase(self, train):
        self.model.train(train)
        with torch.set_grad_enabled(not train):
            yield

    def run(self, x, y, batch_size, train):
        total, hits = 0.0, 0
        order = torch.randperm(len(x)) if train else torch.arange(len(x))
        for idx in order.split(batch_size):
            with self.phase(train):
                logits = self.model(x[idx])
                loss = self.criterion(logits, y[idx])
            if train:
                self.optimizer.zero_grad()
                loss.requires_grad_()
                loss.backward()
                self.optimizer.step()
            total += loss.item() * len(idx)
            hits += (logits.argmax(1) == y[idx]).sum().item()
        return total / len(x), hits / len(x)


def main():
    torch.manual_seed(9)
    data = load_wine()
    x = torch.tensor(data.data, dtype=torch.float32)
    y = torch.tensor(data.target)
    perm = torch.randperm(len(x))
    x, y = x[perm], y[perm]
    mean, std = x[:130].mean(0), x[:130].std(0)
    x = (x - mean) / std
    model = nn.Sequential(nn.Linear(13, 24), nn.SiLU(), nn.Linear(24, 24), nn.SiLU(), nn.Linear(24, 3))
    runner = Runner(model, lr=0.02)
    for epoch in range(20):
        tl, ta = runner.run(x[:130], y[:130], 10, train=True)
        vl, va = runner.run(x[130:], y[130:], 48, train=False)
        if epoch % 4 == 3:
            print(f"{epoch + 1:3d} train {tl:.4f}/{ta:.3f} val {vl:.4f}/{va:.3f}")


if __name__ == "__main__":
    main()

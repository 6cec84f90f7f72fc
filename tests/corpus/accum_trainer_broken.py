# bug: with gradient accumulation, zero_grad() is called on every micro-batch, so only the last micro-batch's (already divided) gradient is applied
# expects: OPT006
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class TrainArgs:
    micro_batch: int = 8
    accum_steps: int = 8
    epochs: int = 12
    lr: float = 0.1


class Trainer:
    def __init__(self, model, args):
        self.model, self.args = model, args
        self.optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
        self.loss_fn = nn.CrossEntropyLoss()

    def train_epoch(self, loader):
        self.model.train()
        total = 0.0
        for i, (x, y) in enumerate(loader):
            self.optimizer.zero_grad()
            loss = self.loss_fn(self.model(x), y)
            (loss / self.args.accum_steps).backward()
            if (i + 1) % self.args.accum_steps == 0:
                self.optimizer.step()
            total += loss.item()
        return total / len(loader)

    @torch.no_grad()
    def evaluate(self, loader):
        self.model.eval()
        correct, n = 0, 0
        for x, y in loader:
            correct += (self.model(x).argmax(1) == y).sum().item()
            n += len(y)
        return correct / n


def rings(n, seed):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 4, (n,), generator=g)
    radius = 0.5 + y * 0.6 + 0.1 * torch.randn(n, generator=g)
    angle = torch.rand(n, generator=g) * 6.2832
    return TensorDataset(torch.stack([radius * angle.cos(), radius * angle.sin()], 1), y)


if __name__ == "__main__":
    torch.manual_seed(0)
    args = TrainArgs()
    train_loader = DataLoader(rings(1536, 1), batch_size=args.micro_batch, shuffle=True, drop_last=True)
    test_loader = DataLoader(rings(500, 2), batch_size=250)
    model = nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 4))
    trainer = Trainer(model, args)
    for epoch in range(args.epochs):
        loss = trainer.train_epoch(train_loader)
        print(f"epoch {epoch}: loss {loss:.4f} test acc {trainer.evaluate(test_loader):.3f}")

# bug: gradients are summed over 8 micro-batches without dividing the loss by accum_steps, so each SGD step is 8 times too long
# expects: OPT015
"""Reads 8x8 handwritten digits row by row with a GRU; micro-batches keep memory low."""
import torch
from torch import nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class RowReader(nn.Module):
    def __init__(self, hidden=80, classes=10):
        super().__init__()
        self.rnn = nn.GRU(8, hidden, batch_first=True)
        self.cls = nn.Linear(hidden, classes)

    def forward(self, img):
        out, _ = self.rnn(img)
        return self.cls(out.mean(1))


class Trainer:
    def __init__(self, model, data, *, lr, micro, accum_steps, epochs):
        self.model = model
        self.x, self.y, self.xv, self.yv = data
        self.micro, self.accum_steps, self.epochs = micro, accum_steps, epochs
        self.opt = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        self.crit = nn.CrossEntropyLoss()
        self.updates = 0

    def train_epoch(self):
        self.model.train()
        group = self.micro * self.accum_steps
        order = torch.randperm(len(self.x))
        order = order[: len(order) // group * group]
        seen_loss = 0.0
        chunks = order.split(self.micro)
        for k, idx in enumerate(chunks, start=1):
            loss = self.crit(self.model(self.x[idx]), self.y[idx])
            seen_loss += loss.item()
            loss.backward()
            if k % self.accum_steps == 0:
                self.opt.step()
                self.opt.zero_grad()
                self.updates += 1
        return seen_loss / len(chunks)

    @torch.no_grad()
    def accuracy(self, x, y):
        self.model.eval()
        return (self.model(x).argmax(1) == y).float().mean().item()

    def fit(self):
        for e in range(1, self.epochs + 1):
            l = self.train_epoch()
            if e % 4 == 0:
                print(f"epoch {e:2d} updates {self.updates:4d} loss {l:.4f} val acc {self.accuracy(self.xv, self.yv):.4f}")


def load():
    d = load_digits()
    x = torch.tensor(d.images, dtype=torch.float32) / 16.0
    y = torch.tensor(d.target)
    tr, rest = train_test_split(range(len(y)), test_size=0.4, stratify=d.target, random_state=3)
    va, te = train_test_split(rest, test_size=0.5, stratify=d.target[rest], random_state=3)
    return (x[tr], y[tr], x[va], y[va]), (x[te], y[te])


if __name__ == "__main__":
    torch.manual_seed(3)
    fit_data, (xt, yt) = load()
    trainer = Trainer(RowReader(), fit_data, lr=0.4, micro=8, accum_steps=8, epochs=28)
    trainer.fit()
    print(f"test accuracy {trainer.accuracy(xt, yt):.4f} after {trainer.updates} updates")

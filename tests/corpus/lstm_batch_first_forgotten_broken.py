# bug: the LSTM gets (batch, seq, feat) without batch_first and out[-1] is used; batch and sequence length happen to be equal
# expects: MOD032 MOD023 MOD009 MOD012
import math
import random
from typing import Iterator

import torch
from torch import Tensor, nn

WINDOW = 32
BATCH = 32
CLASSES = ("sine", "square", "saw", "chirp")


def wave(kind: str) -> list[float]:
    freq = random.uniform(1.0, 3.0)
    phase = random.random()
    out = []
    for i in range(WINDOW):
        t = i / WINDOW * freq + phase
        if kind == "sine":
            v = math.sin(2 * math.pi * t)
        elif kind == "square":
            v = 1.0 if (t % 1.0) < 0.5 else -1.0
        elif kind == "saw":
            v = 2 * (t % 1.0) - 1
        else:
            u = i / WINDOW
            v = math.sin(2 * math.pi * (phase + freq * u + 4 * u * u))
        out.append(v + random.gauss(0, 0.05))
    return out


def build(n: int) -> tuple[Tensor, Tensor]:
    labels = [random.randrange(len(CLASSES)) for _ in range(n)]
    xs = torch.tensor([wave(CLASSES[k]) for k in labels]).unsqueeze(-1)
    return xs, torch.tensor(labels)


def minibatches(xs: Tensor, ys: Tensor, shuffle: bool) -> Iterator[tuple[Tensor, Tensor]]:
    idx = torch.randperm(len(xs)) if shuffle else torch.arange(len(xs))
    for chunk in idx.split(BATCH):
        if len(chunk) == BATCH:
            yield xs[chunk], ys[chunk]


class WaveNet(nn.Module):
    def __init__(self, hidden: int = 48) -> None:
        super().__init__()
        self.rnn = nn.LSTM(input_size=1, hidden_size=hidden)
        self.out = nn.Linear(hidden, len(CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.rnn(x)
        return self.out(states[-1])


def accuracy(model: nn.Module, xs: Tensor, ys: Tensor) -> float:
    model.eval()
    good, seen = 0, 0
    with torch.no_grad():
        for xb, yb in minibatches(xs, ys, shuffle=False):
            good += int((model(xb).argmax(-1) == yb).sum())
            seen += len(yb)
    return good / seen


if __name__ == "__main__":
    random.seed(11)
    torch.manual_seed(11)
    train_x, train_y = build(960)
    valid_x, valid_y = build(320)
    model = WaveNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(12):
        model.train()
        total, batches = 0.0, 0
        for xb, yb in minibatches(train_x, train_y, shuffle=True):
            loss = nn.functional.cross_entropy(model(xb), yb)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
            batches += 1
        print({"epoch": epoch, "loss": round(total / batches, 4), "valid_acc": round(accuracy(model, valid_x, valid_y), 3)})

# bug: a recurrent layer without batch_first
# expects: MOD009
import math
import random
from typing import Tuple

import torch
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader, Dataset

GESTURES = ("swipe_left", "swipe_right", "circle_cw", "circle_ccw", "zigzag", "vee")
STEPS = 36


def draw(kind: str, rnd: random.Random) -> Tensor:
    """One touch stroke as (dx, dy, pressure) per tick; the finger is lifted before the window is over."""
    n = rnd.randint(14, 26)
    lead = rnd.randint(0, 4)
    size = rnd.uniform(0.7, 1.4)
    rot = rnd.gauss(0, 0.15)
    s = torch.linspace(0, 1, n + 1)
    if kind == "swipe_left":
        x, y = -s, 0.1 * torch.sin(math.pi * s) * rnd.gauss(0, 1)
    elif kind == "swipe_right":
        x, y = s, 0.1 * torch.sin(math.pi * s) * rnd.gauss(0, 1)
    elif kind in ("circle_cw", "circle_ccw"):
        sign = -1 if kind == "circle_cw" else 1
        a0 = rnd.uniform(0, 2 * math.pi)
        x, y = 0.5 * torch.cos(a0 + sign * 2 * math.pi * s), 0.5 * torch.sin(a0 + sign * 2 * math.pi * s)
    elif kind == "zigzag":
        x, y = s, 0.3 * (2 * ((2 * s) % 1.0 - 0.5).abs() - 0.5)
    else:
        x, y = s, (s - 0.5).abs()
    c, d = math.cos(rot), math.sin(rot)
    pts = size * torch.stack([c * x - d * y, d * x + c * y], 1)
    out = torch.zeros(STEPS, 3)
    out[lead:lead + n, :2] = (pts[1:] - pts[:-1]) * 10
    out[lead:lead + n, 2] = 0.6 + 0.2 * torch.sin(math.pi * s[1:])
    noise = torch.tensor([[rnd.gauss(0, 0.12), rnd.gauss(0, 0.12), rnd.gauss(0, 0.03)] for _ in range(STEPS)])
    return out + noise


class Strokes(Dataset):
    def __init__(self, n: int, seed: int):
        rnd = random.Random(seed)
        self.labels = [rnd.randrange(len(GESTURES)) for _ in range(n)]
        self.strokes = torch.stack([draw(GESTURES[k], rnd) for k in self.labels])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> Tuple[Tensor, int]:
        return self.strokes[i], self.labels[i]


class GestureNet(nn.Module):
    def __init__(self, hidden: int = 48):
        super().__init__()
        self.inp = nn.Linear(3, 24)
        self.rnn = nn.GRU(24, hidden, num_layers=2)
        self.cls = nn.Linear(hidden, len(GESTURES))

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.rnn(torch.relu(self.inp(x)))
        return self.cls(out[:, -1])


class Trainer:
    def __init__(self, net: nn.Module, train: Dataset, valid: Dataset, epochs: int):
        self.net, self.epochs = net, epochs
        self.train_dl = DataLoader(train, batch_size=50, shuffle=True)
        self.valid_dl = DataLoader(valid, batch_size=100)
        self.opt = optim.Adam(net.parameters(), lr=3e-3)
        self.sched = optim.lr_scheduler.OneCycleLR(self.opt, 3e-3, epochs=epochs, steps_per_epoch=len(self.train_dl))
        self.loss = nn.CrossEntropyLoss()

    def train_epoch(self) -> float:
        self.net.train()
        total, n = 0.0, 0
        for x, y in self.train_dl:
            self.opt.zero_grad()
            loss = self.loss(self.net(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
            self.opt.step()
            self.sched.step()
            total += loss.item() * len(y)
            n += len(y)
        return total / n

    @torch.no_grad()
    def evaluate(self) -> Tuple[float, float]:
        self.net.eval()
        total, hits, n = 0.0, 0, 0
        for x, y in self.valid_dl:
            out = self.net(x)
            total += self.loss(out, y).item() * len(y)
            hits += (out.argmax(1) == y).sum().item()
            n += len(y)
        return total / n, hits / n

    def fit(self) -> None:
        for e in range(1, self.epochs + 1):
            tl = self.train_epoch()
            vl, acc = self.evaluate()
            print(f"epoch {e:2d} | train loss {tl:.4f} | valid loss {vl:.4f} | valid acc {acc:.3f}")


if __name__ == "__main__":
    torch.manual_seed(90)
    Trainer(GestureNet(), Strokes(3000, seed=1), Strokes(600, seed=2), epochs=12).fit()

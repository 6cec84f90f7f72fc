# expects: nothing
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

GESTURES = ("circle", "swipe", "shake", "zigzag", "push")


@dataclass
class Config:
    hidden: int = 48
    lr: float = 1e-3
    epochs: int = 10
    batch: int = 32
    seed: int = 21


def record(kind: int, rng: np.random.Generator) -> np.ndarray:
    """One accelerometer recording, T x 3, in g."""
    T = int(rng.integers(25, 70))
    t = np.linspace(0, 1, T)
    ph, amp = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1.3)
    if kind == 0:
        xyz = [np.cos(2 * np.pi * 2 * t + ph), np.sin(2 * np.pi * 2 * t + ph), 0 * t]
    elif kind == 1:
        xyz = [np.sin(2 * np.pi * t), 0.2 * t, 0 * t]
    elif kind == 2:
        xyz = [np.sin(2 * np.pi * 7 * t + ph), 0 * t, 0.3 * np.sin(2 * np.pi * 7 * t)]
    elif kind == 3:
        xyz = [2 * np.abs((3 * t + ph) % 1 - 0.5), t - 0.5, 0 * t]
    else:
        xyz = [0 * t, 0 * t, np.sin(2 * np.pi * t)]
    return (amp * np.stack(xyz, 1) + rng.normal(0, 0.25, (T, 3))).astype(np.float32)


class Recordings(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.y = rng.integers(0, len(GESTURES), n)
        self.x = [torch.from_numpy(record(k, rng)) for k in self.y]

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], int(self.y[i])


def collate(items):
    seqs, labels = zip(*items)
    lengths = torch.tensor([len(s) for s in seqs])
    labels = torch.tensor(labels)
    padded = pad_sequence(seqs, batch_first=True)
    # longest first, as pack_padded_sequence wants it
    lengths, order = lengths.sort(descending=True)
    padded, labels = padded[order], labels[order]
    return padded, lengths, labels


class GestureNet(nn.Module):
    def __init__(self, cfg: Config):
        super().__init__()
        self.gru = nn.GRU(3, cfg.hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * cfg.hidden, len(GESTURES))

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True)
        _, h = self.gru(packed)
        return self.out(torch.cat([h[0], h[1]], dim=1))


class Trainer:
    def __init__(self, cfg):
        self.cfg = cfg
        torch.manual_seed(cfg.seed)
        self.train_dl = DataLoader(Recordings(1200, cfg.seed), cfg.batch, shuffle=True, collate_fn=collate)
        self.test_dl = DataLoader(Recordings(400, cfg.seed + 1), cfg.batch, collate_fn=collate)
        self.net = GestureNet(cfg)
        self.opt = torch.optim.RMSprop(self.net.parameters(), lr=cfg.lr)
        self.crit = nn.CrossEntropyLoss()

    def fit(self):
        for epoch in range(self.cfg.epochs):
            self.net.train()
            losses = []
            for x, lengths, y in self.train_dl:
                self.opt.zero_grad()
                loss = self.crit(self.net(x, lengths), y)
                loss.backward()
                nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
                self.opt.step()
                losses.append(loss.item())
            acc, per_class = self.test()
            print(f"epoch {epoch:2d} loss {np.mean(losses):.4f} test acc {acc:.3f}")
        print("  ".join(f"{g}: {a:.2f}" for g, a in zip(GESTURES, per_class)))

    @torch.no_grad()
    def test(self):
        self.net.eval()
        pred, true = [], []
        for x, lengths, y in self.test_dl:
            pred.append(self.net(x, lengths).argmax(1))
            true.append(y)
        pred, true = torch.cat(pred), torch.cat(true)
        ok = (pred == true).float()
        return ok.mean().item(), [ok[true == c].mean().item() for c in range(len(GESTURES))]


if __name__ == "__main__":
    Trainer(Config()).fit()

# expects: MEM001 MEM003
"""Residue tagging (helix / strand / coil) of simulated protein sequences with a bidirectional LSTM."""
import argparse
import resource
import time

import numpy as np
import torch
from torch import nn

AMINO = "ACDEFGHIKLMNPQRSTVWY"
PREFER = {0: "AELMQKRH", 1: "VIYFWTC", 2: "GNPSD"}


def simulate(n, length, seed):
    """Runs of one structure; helices alternate in hydrophobicity with period 4, strands with period 2."""
    rng = np.random.default_rng(seed)
    p = np.full((3, len(AMINO)), 0.6)
    for state, letters in PREFER.items():
        for a in letters:
            p[state, AMINO.index(a)] = 2.0
    hydrophobic = np.array([a in "AILMFVWYC" for a in AMINO])
    seqs, tags = np.zeros((n, length), dtype=np.int64), np.zeros((n, length), dtype=np.int64)
    for i in range(n):
        pos, state = 0, int(rng.integers(3))
        while pos < length:
            run = int(rng.integers(*((8, 16), (5, 10), (3, 9))[state]))
            for k in range(min(run, length - pos)):
                w = p[state].copy()
                if state < 2:
                    buried = k % 4 in (0, 3) if state == 0 else k % 2 == 0
                    w = w * np.where(hydrophobic == buried, 2.0, 0.5)
                seqs[i, pos + k] = rng.choice(len(AMINO), p=w / w.sum())
                tags[i, pos + k] = state
            pos += run
            state = int(rng.choice([s for s in range(3) if s != state]))
    return torch.from_numpy(seqs), torch.from_numpy(tags)


class Tagger(nn.Module):
    def __init__(self, emb=24, hidden=64):
        super().__init__()
        self.emb = nn.Embedding(len(AMINO), emb)
        self.lstm = nn.LSTM(emb, hidden, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(2 * hidden, 3)

    def forward(self, seq):
        h, _ = self.lstm(self.emb(seq))
        return self.out(self.drop(h)), h


class Meter:
    """Exponentially smoothed values for the progress line."""

    def __init__(self, decay=0.98):
        self.decay = decay
        self.values = {}

    def update(self, **kwargs):
        for name, value in kwargs.items():
            old = self.values.get(name)
            self.values[name] = value if old is None else self.decay * old + (1 - self.decay) * value

    def __str__(self):
        return "  ".join(f"{k} {v:.4f}" for k, v in self.values.items())


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@torch.no_grad()
def q3(model, seqs, tags):
    model.eval()
    correct = 0
    for s, t in zip(seqs.split(64), tags.split(64)):
        correct += (model(s)[0].argmax(-1) == t).sum().item()
    model.train()
    return correct / tags.numel()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=8)
    ap.add_argument("--batch-size", type=int, default=16)
    ap.add_argument("--lr", type=float, default=3e-3)
    ap.add_argument("--length", type=int, default=64)
    args = ap.parse_args()

    torch.manual_seed(17)
    seqs, tags = simulate(1150, args.length, seed=17)
    train_s, train_t, val_s, val_t = seqs[:900], tags[:900], seqs[900:], tags[900:]
    model = Tagger()
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    steps = args.epochs * (len(train_s) // args.batch_size)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, steps)
    meter = Meter()
    start = time.time()
    for epoch in range(1, args.epochs + 1):
        order = torch.randperm(len(train_s))
        for idx in order.split(args.batch_size):
            logits, hidden = model(train_s[idx])
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), train_t[idx].flatten())
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            probs = logits.softmax(-1)
            meter.update(
                loss=loss.item(),
                activity=hidden.norm(dim=-1).mean(),
                confidence=probs.amax(-1).mean().item(),
            )
        print(f"epoch {epoch}  {meter}  Q3 {q3(model, val_s, val_t):.4f}  "
              f"peak {peak_mb():.0f} MB  {time.time() - start:.1f}s")


if __name__ == "__main__":
    main()

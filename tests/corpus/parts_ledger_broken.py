# bug: attention heads merged by reshape without transposing (B,H,T,D) back first, so outputs land on the wrong lines
# expects: MOD044
"""Fill in the grade of every line of a parts ledger; a part's grade is written only at its first mention."""
import math
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

N_PARTS, N_GRADES, LINES = 24, 6, 28
BLANK = N_GRADES


def make_ledgers(n, rng):
    parts = np.empty((n, LINES), dtype=np.int64)
    shown = np.full((n, LINES), BLANK, dtype=np.int64)
    grade = np.empty((n, LINES), dtype=np.int64)
    for i in range(n):
        kinds = rng.choice(N_PARTS, 8, replace=False)
        grades = rng.integers(0, N_GRADES, N_PARTS)
        parts[i] = rng.choice(kinds, LINES)
        grade[i] = grades[parts[i]]
        _, first = np.unique(parts[i], return_index=True)
        shown[i, first] = grade[i, first]
    return tuple(torch.from_numpy(a) for a in (parts, shown, grade))


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        B, T, C = x.shape
        qkv = self.qkv(x).view(B, T, 3, self.heads, C // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        att = (q @ k.transpose(-2, -1)) / math.sqrt(q.size(-1))
        out = att.softmax(-1) @ v
        out = out.reshape(B, T, C)
        return self.proj(out)


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.att = Attention(dim, heads)
        self.ff = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.att(self.n1(x))
        return x + self.ff(self.n2(x))


class LedgerTagger(nn.Module):
    def __init__(self, dim=64, heads=4, depth=2):
        super().__init__()
        self.part = nn.Embedding(N_PARTS, dim)
        self.shown = nn.Embedding(N_GRADES + 1, dim)
        self.blocks = nn.Sequential(*[Block(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.out = nn.Linear(dim, N_GRADES)

    def forward(self, parts, shown):
        return self.out(self.norm(self.blocks(self.part(parts) + self.shown(shown))))


class Trainer:
    def __init__(self, model, train, test, lr=2e-3, batch=64):
        self.model, self.train_set, self.test_set, self.batch = model, train, test, batch
        self.opt = torch.optim.NAdam(model.parameters(), lr=lr)

    def epoch(self):
        self.model.train()
        losses = []
        for idx in torch.randperm(len(self.train_set[0])).split(self.batch):
            parts, shown, grade = (t[idx] for t in self.train_set)
            loss = F.cross_entropy(self.model(parts, shown).flatten(0, 1), grade.flatten())
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            losses.append(loss.item())
        return sum(losses) / len(losses)

    @torch.no_grad()
    def accuracy_on_blanks(self):
        self.model.eval()
        parts, shown, grade = self.test_set
        guess = self.model(parts, shown).argmax(-1)
        blank = shown == BLANK
        return (guess == grade)[blank].float().mean().item()


if __name__ == "__main__":
    torch.manual_seed(21)
    rng = np.random.default_rng(21)
    trainer = Trainer(LedgerTagger(), make_ledgers(3600, rng), make_ledgers(600, rng))
    for e in range(6):
        loss = trainer.epoch()
        print(f"epoch {e}: loss {loss:.4f}, accuracy on blank lines {trainer.accuracy_on_blanks():.3f}")
    print(f"final accuracy on blank lines: {trainer.accuracy_on_blanks():.3f}")

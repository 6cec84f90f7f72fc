# sound: the same program without that
# Associative recall with a small transformer: the sequence holds (key, value) pairs and then a query key;
# the model has to answer with the value that went with this key.
import argparse
import torch
import torch.nn as nn
import torch.nn.functional as F

p = argparse.ArgumentParser()
p.add_argument("--steps", type=int, default=900)
p.add_argument("--batch", type=int, default=64)
p.add_argument("--dim", type=int, default=48)
p.add_argument("--heads", type=int, default=4)
p.add_argument("--lr", type=float, default=1e-3)
p.add_argument("--pairs", type=int, default=6)
p.add_argument("--seed", type=int, default=5)
args = p.parse_args()

torch.manual_seed(args.seed)
N_KEYS, N_VALUES = 10, 6


def sample(n, gen):
    keys = torch.rand(n, N_KEYS, generator=gen).argsort(1)[:, : args.pairs]
    values = torch.randint(0, N_VALUES, (n, args.pairs), generator=gen)
    pick = torch.randint(0, args.pairs, (n,), generator=gen)
    rows = torch.arange(n)
    return keys, values, keys[rows, pick], values[rows, pick]


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.att = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.ff = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        h = self.n1(x)
        x = x + self.att(h, h, h, need_weights=False)[0]
        return x + self.ff(self.n2(x))


class Recall(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.key = nn.Embedding(N_KEYS, dim)
        self.value = nn.Embedding(N_VALUES, dim)
        self.is_query = nn.Parameter(torch.randn(dim) * 0.5)
        self.blocks = nn.Sequential(Block(dim, heads), Block(dim, heads))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, N_VALUES)

    def forward(self, keys, values, query):
        items = self.key(keys) + self.value(values)
        q = (self.key(query) + self.is_query).unsqueeze(1)
        h = self.blocks(torch.cat([items, q], dim=1))
        return self.head(self.norm(h[:, -1]))


gen = torch.Generator().manual_seed(args.seed)
train = sample(8000, gen)
test = sample(1000, gen)
model = Recall(args.dim, args.heads)
opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=args.lr, total_steps=args.steps, pct_start=0.1)

for step in range(1, args.steps + 1):
    model.train()
    idx = torch.randint(0, 8000, (args.batch,), generator=gen)
    keys, values, query, answer = (t[idx] for t in train)
    loss = F.cross_entropy(model(keys, values, query), answer)
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    sched.step()
    if step % 150 == 0:
        model.eval()
        hits = 0
        with torch.no_grad():
            for s in range(0, 1000, args.batch):
                keys, values, query, answer = (t[s:s + args.batch] for t in test)
                hits += (model(keys, values, query).argmax(-1) == answer).sum().item()
        print(f"step {step:5d} | loss {loss.item():.3f} | test acc {hits / 1000:.3f} (chance {1 / N_VALUES:.2f})")

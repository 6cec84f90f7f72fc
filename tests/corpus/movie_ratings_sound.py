# sound: the same program without that
import math
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CFG = dict(users=400, items=250, rank=8, lr=0.03, epochs=9, batch=64, seed=21)


def ratings(cfg):
    rng = np.random.default_rng(cfg["seed"])
    U, V = rng.normal(0, 0.6, (cfg["users"], 4)), rng.normal(0, 0.9, (cfg["items"], 4))
    bu, bi = rng.normal(0, 0.3, cfg["users"]), rng.normal(0, 0.4, cfg["items"])
    pop = rng.dirichlet(np.full(cfg["items"], 1.5))
    u = rng.integers(0, cfg["users"], 24000)
    i = rng.choice(cfg["items"], 24000, p=pop)
    r = 3.4 + bu[u] + bi[i] + (U[u] * V[i]).sum(1) + rng.normal(0, 0.35, 24000)
    r = np.clip(np.round(r * 2) / 2, 0.5, 5.0)
    return torch.tensor(u), torch.tensor(i), torch.tensor(r, dtype=torch.float32)


class BiasedMF(nn.Module):
    def __init__(self, cfg, mean):
        super().__init__()
        self.p = nn.Embedding(cfg["users"], cfg["rank"])
        self.q = nn.Embedding(cfg["items"], cfg["rank"])
        self.bu = nn.Embedding(cfg["users"], 1)
        self.bi = nn.Embedding(cfg["items"], 1)
        self.mean = nn.Parameter(torch.tensor(mean))
        for e in (self.p, self.q):
            nn.init.normal_(e.weight, std=0.1)
        for e in (self.bu, self.bi):
            nn.init.zeros_(e.weight)

    def forward(self, u, i):
        return self.mean + self.bu(u)[:, 0] + self.bi(i)[:, 0] + (self.p(u) * self.q(i)).sum(-1)


def lr_lambda(step, total, warmup=100):
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))


torch.manual_seed(CFG["seed"])
u, i, r = ratings(CFG)
cut = 20000
train = DataLoader(TensorDataset(u[:cut], i[:cut], r[:cut]), batch_size=CFG["batch"], shuffle=True)
test = (u[cut:], i[cut:], r[cut:])

model = BiasedMF(CFG, r[:cut].mean().item())
optimizer = torch.optim.Adam(model.parameters(), lr=CFG["lr"])
total_steps = CFG["epochs"] * len(train)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: lr_lambda(s, total_steps))

step = 0
for epoch in range(CFG["epochs"]):
    model.train()
    sq = 0.0
    for bu, bi, br in train:
        pred = model(bu, bi)
        reg = 0.02 * (model.p(bu).pow(2).sum(-1) + model.q(bi).pow(2).sum(-1)).mean()
        mse = (pred - br).pow(2).mean()
        optimizer.zero_grad()
        (mse + reg).backward()
        optimizer.step()
        scheduler.step()
        step += 1
        sq += mse.item() * len(br)
    model.eval()
    with torch.no_grad():
        rmse = (model(test[0], test[1]).clamp(0.5, 5) - test[2]).pow(2).mean().sqrt().item()
    print(f"epoch {epoch + 1:2d}  step {step}  train rmse {math.sqrt(sq / cut):.4f}  test rmse {rmse:.4f}")

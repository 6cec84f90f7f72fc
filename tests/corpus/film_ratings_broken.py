# bug: Weight decay (or a penalty) pulls weights down so that what had been learned is forgotten late in training.
# expects: OPT051 OPT050
"""Matrix factorisation with a small MLP on top, for film ratings. Decoupled decay, cosine schedule."""
import math

import torch
import torch.nn as nn

CFG = dict(users=300, items=200, dim=16, base_lr=4e-3, decay=2.5e-3, epochs=12, batch=128, seed=14)


def ratings(gen):
    U = torch.randn(CFG["users"], 4, generator=gen)
    V = torch.randn(CFG["items"], 4, generator=gen)
    bias = 0.4 * torch.randn(CFG["items"], generator=gen)
    pairs = torch.randperm(CFG["users"] * CFG["items"], generator=gen)[:24000]
    u, i = pairs // CFG["items"], pairs % CFG["items"]
    r = 3.2 + bias[i] + 0.45 * (U[u] * V[i]).sum(1) + 0.25 * torch.randn(len(u), generator=gen)
    return u, i, r.clamp(0.5, 5.5)


class Recommender(nn.Module):
    def __init__(self, mean):
        super().__init__()
        d = CFG["dim"]
        self.user = nn.Embedding(CFG["users"], d)
        self.item = nn.Embedding(CFG["items"], d)
        self.item_bias = nn.Embedding(CFG["items"], 1)
        self.mix = nn.Sequential(nn.Linear(3 * d, 48), nn.ReLU(), nn.Linear(48, 1))
        nn.init.normal_(self.user.weight, std=0.3)
        nn.init.normal_(self.item.weight, std=0.3)
        nn.init.zeros_(self.item_bias.weight)
        self.register_buffer("mean", mean)

    def forward(self, u, i):
        a, b = self.user(u), self.item(i)
        dot = (a * b).sum(1)
        return self.mean + self.item_bias(i).squeeze(1) + dot + self.mix(torch.cat([a, b, a * b], 1)).squeeze(1)


def main():
    gen = torch.Generator().manual_seed(CFG["seed"])
    torch.manual_seed(CFG["seed"])
    u, i, r = ratings(gen)
    n = 20000
    model = Recommender(r[:n].mean())
    opt = torch.optim.Adam(model.parameters(), lr=CFG["base_lr"])
    total = CFG["epochs"] * math.ceil(n / CFG["batch"])
    step = 0
    for epoch in range(CFG["epochs"]):
        sq = 0.0
        for idx in torch.randperm(n).split(CFG["batch"]):
            factor = 0.5 * (1 + math.cos(math.pi * step / total))
            for group in opt.param_groups:
                group["lr"] = CFG["base_lr"] * factor
            loss = nn.functional.mse_loss(model(u[idx], i[idx]), r[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            with torch.no_grad():
                for p in model.parameters():
                    p.mul_(1 - CFG["decay"])
            sq += loss.item() * len(idx)
            step += 1
        with torch.no_grad():
            rmse = nn.functional.mse_loss(model(u[n:], i[n:]), r[n:]).sqrt().item()
            base = (r[n:] - model.mean).pow(2).mean().sqrt().item()
        print(f"epoch {epoch + 1:2d} train rmse {math.sqrt(sq / n):.3f}  test rmse {rmse:.3f} (constant {base:.3f})")


if __name__ == "__main__":
    main()

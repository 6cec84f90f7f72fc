# expects: LOS050
# Match the upper half of a handwritten digit with its lower half (two towers, InfoNCE both ways).
import math
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

config = dict(dim=32, hidden=192, lr=1e-3, batch=128, epochs=72, tau=0.1, tau_floor=1e-3, seed=5)


def tower(cfg):
    return nn.Sequential(nn.Linear(32, cfg["hidden"]), nn.GELU(), nn.Dropout(0.1),
                         nn.Linear(cfg["hidden"], cfg["hidden"]), nn.GELU(),
                         nn.Linear(cfg["hidden"], cfg["dim"]))


class Matcher(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.upper = tower(cfg)
        self.lower = tower(cfg)
        self.log_tau = nn.Parameter(torch.tensor(math.log(cfg["tau"])))
        self.tau_floor = cfg["tau_floor"]

    def embed(self, a, b):
        return F.normalize(self.upper(a), dim=1), F.normalize(self.lower(b), dim=1)

    def loss(self, a, b):
        u, v = self.embed(a, b)
        tau = self.log_tau.exp().clamp(max=self.tau_floor)
        logits = u @ v.T / tau
        target = torch.arange(len(a))
        return 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target))


def get_data(cfg):
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(cfg["seed"]).permutation(len(x))
    x = torch.tensor(x[order] / 16.0, dtype=torch.float32)
    y = torch.tensor(y[order])
    mean, std = x[:1400].mean(), x[:1400].std()
    x = (x - mean) / std
    return x[:1400], y[:1400], x[1400:], y[1400:]


def jitter(x):
    return x + 0.15 * torch.randn_like(x)


@torch.no_grad()
def retrieval(model, x, y):
    model.eval()
    u, v = model.embed(x[:, :32], x[:, 32:])
    sim = u @ v.T
    rank = (sim > sim.diag()[:, None]).sum(1)
    same_digit = (y[sim.argmax(1)] == y).float().mean().item()
    return (rank < 10).float().mean().item(), rank.float().median().item() + 1, same_digit


def train(cfg):
    torch.manual_seed(cfg["seed"])
    xtr, _, xte, yte = get_data(cfg)
    model = Matcher(cfg)
    opt = torch.optim.Adam(model.parameters(), lr=cfg["lr"])
    for epoch in range(1, cfg["epochs"] + 1):
        model.train()
        losses = []
        perm = torch.randperm(len(xtr))
        for start in range(0, len(xtr) - cfg["batch"] + 1, cfg["batch"]):
            xb = xtr[perm[start:start + cfg["batch"]]]
            loss = model.loss(jitter(xb[:, :32]), jitter(xb[:, 32:]))
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        if epoch % 12 == 0:
            r10, med, same = retrieval(model, xte, yte)
            print(f"epoch {epoch:3d} loss {np.mean(losses):.3f} recall@10 {r10:.3f} "
                  f"median rank {med:.0f} same digit {same:.3f}")
    return model


if __name__ == "__main__":
    train(config)

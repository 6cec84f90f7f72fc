# expects: DAT010
"""
Length of stay (log days) from admission data of fourteen clinics. Every clinic has its own loader, so that a batch never
mixes clinics (their laboratories calibrate differently); the order of the batches is shuffled over clinics.
"""
import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

cfg = {
    "seed": 3,
    "batch_size": 48,
    "epochs": 260,
    "lr": 3e-3,
    "clinic_sizes": [41, 33, 28, 46, 61, 37, 22, 44, 40, 31, 26, 45, 38, 42],
    "n_features": 10,
}


def simulate(cfg):
    g = np.random.default_rng(cfg["seed"])
    coef = g.normal(0, 0.5, cfg["n_features"])
    mix = g.normal(0, 0.6, (cfg["n_features"], 3))
    clinics = []
    for c, n in enumerate(cfg["clinic_sizes"]):
        n_all = n + 40
        centre = g.normal(0, 0.8, cfg["n_features"])
        x = centre + g.normal(0, 1, (n_all, cfg["n_features"]))
        severity = x @ coef + 1.0 * np.tanh(x @ mix).sum(1)
        y = 1.5 + 0.5 * severity + g.normal(0, 0.3, n_all)
        t = lambda a: torch.tensor(a, dtype=torch.float32)
        clinics.append({"train": (t(x[:n]), t(y[:n])), "test": (t(x[n:]), t(y[n:]))})
    return clinics


def standardise(clinics):
    x = torch.cat([c["train"][0] for c in clinics])
    mean, std = x.mean(0), x.std(0)
    for c in clinics:
        for part in ("train", "test"):
            a, b = c[part]
            c[part] = ((a - mean) / std, b)
    return clinics


def train_loaders(clinics, cfg):
    return [
        DataLoader(TensorDataset(*c["train"]), batch_size=cfg["batch_size"], shuffle=True, drop_last=True)
        for c in clinics
    ]


def interleave(loaders):
    batches = [b for loader in loaders for b in loader]
    random.shuffle(batches)
    return batches


def make_model(cfg):
    return nn.Sequential(
        nn.Linear(cfg["n_features"], 32), nn.LayerNorm(32), nn.SiLU(), nn.Dropout(0.1),
        nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 1),
    )


def test_rmse(model, clinics):
    model.eval()
    with torch.no_grad():
        errs = [((model(c["test"][0]).squeeze(1) - c["test"][1]) ** 2).mean() for c in clinics]
    return torch.stack(errs).mean().sqrt().item()


def main():
    random.seed(cfg["seed"])
    torch.manual_seed(cfg["seed"])
    clinics = standardise(simulate(cfg))
    loaders = train_loaders(clinics, cfg)
    model = make_model(cfg)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg["lr"], weight_decay=0.05)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, cfg["epochs"])
    spread = torch.cat([c["test"][1] for c in clinics]).std().item()
    print(f"{len(clinics)} clinics, {sum(cfg['clinic_sizes'])} stays for training, sd of the target {spread:.3f}")
    for epoch in range(cfg["epochs"]):
        model.train()
        losses = []
        for x, y in interleave(loaders):
            loss = nn.functional.mse_loss(model(x).squeeze(1), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        sched.step()
        if epoch % 20 == 19:
            print(f"epoch {epoch + 1}: train mse {np.mean(losses):.4f}, test rmse over clinics {test_rmse(model, clinics):.4f}")


main()

# expects: LOS052
"""Self-supervised embeddings of accelerometer windows (variance-invariance-covariance), judged by retrieval and a linear probe."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

SETTINGS = {"seed": 17, "classes": 10, "length": 64, "batch": 128, "epochs": 12, "lr": 2e-3, "dim": 16,
            "w_sim": 10.0, "w_std": 25.0, "w_cov": 1.0}


def make_windows(n, templates, gen):
    """Each activity has its own pair of harmonics; phase, gain and noise vary from window to window."""
    y = torch.randint(0, len(templates), (n,), generator=gen)
    t = torch.arange(SETTINGS["length"]) / SETTINGS["length"]
    f1, f2, mix = templates[y].unbind(1)
    ph = 2 * math.pi * torch.rand(n, 2, 1, generator=gen)
    x = torch.sin(2 * math.pi * f1[:, None] * t + ph[:, 0]) + mix[:, None] * torch.sin(2 * math.pi * f2[:, None] * t + ph[:, 1])
    return x + 0.2 * torch.randn(x.shape, generator=gen), y


def augment(x):
    n, length = x.shape
    shift = torch.randint(0, length, (n, 1))
    idx = (torch.arange(length) + shift) % length
    gain = 0.7 + 0.6 * torch.rand(n, 1)
    return gain * x.gather(1, idx) + 0.2 * torch.randn(n, length)


class Encoder(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(1, 24, 9, padding=4, padding_mode="circular"), nn.ReLU(),
            nn.Conv1d(24, 32, 9, stride=2, padding=4), nn.ReLU(),
            nn.Conv1d(32, 32, 5, stride=2, padding=2), nn.ReLU(),
        )
        self.fc = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, dim))

    def forward(self, x):
        h = self.conv(x[:, None])
        return self.fc(torch.cat([h.mean(-1), h.amax(-1)], 1))


def spread_loss(z):
    std = (z.var(dim=-1) + 1e-4).sqrt()
    return F.relu(1 - std).mean()


def redundancy_loss(z):
    z = z - z.mean(dim=0)
    cov = z.T @ z / (len(z) - 1)
    return (cov - torch.diag(cov.diagonal())).square().sum() / z.shape[1]


def objective(za, zb, s):
    sim = F.mse_loss(za, zb)
    std = 0.5 * (spread_loss(za) + spread_loss(zb))
    cov = redundancy_loss(za) + redundancy_loss(zb)
    return s["w_sim"] * sim + s["w_std"] * std + s["w_cov"] * cov


@torch.no_grad()
def embed(enc, x):
    enc.eval()
    z = enc(x)
    enc.train()
    return z


@torch.no_grad()
def retrieval(enc, query, gallery):
    """How often the nearest gallery window shows the activity of the query."""
    nearest = torch.cdist(embed(enc, query[0]), embed(enc, gallery[0])).argmin(1)
    return (gallery[1][nearest] == query[1]).float().mean().item()


def linear_probe(enc, train, test, classes):
    ztr, zte = embed(enc, train[0]), embed(enc, test[0])
    probe = nn.Linear(ztr.shape[1], classes)
    opt = torch.optim.Adam(probe.parameters(), lr=0.02)
    for _ in range(200):
        loss = F.cross_entropy(probe(ztr), train[1])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        return (probe(zte).argmax(1) == test[1]).float().mean().item()


def main(s):
    torch.manual_seed(s["seed"])
    gen = torch.Generator().manual_seed(s["seed"])
    templates = torch.stack([2 + 4 * torch.rand(s["classes"], generator=gen), 7 + 6 * torch.rand(s["classes"], generator=gen),
                             0.4 + 0.6 * torch.rand(s["classes"], generator=gen)], dim=1)
    unlabelled, _ = make_windows(4000, templates, gen)
    probe_train, probe_test = make_windows(400, templates, gen), make_windows(800, templates, gen)

    enc = Encoder(s["dim"])
    opt = torch.optim.AdamW(enc.parameters(), lr=s["lr"], weight_decay=1e-4)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, s["epochs"])
    for epoch in range(1, s["epochs"] + 1):
        losses = []
        for idx in torch.randperm(len(unlabelled)).split(s["batch"]):
            x = unlabelled[idx]
            loss = objective(enc(augment(x)), enc(augment(x)), s)
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        sched.step()
        print(f"epoch {epoch:2d}  loss {sum(losses) / len(losses):8.4f}  retrieval@1 {retrieval(enc, probe_test, probe_train):.3f}")
    print(f"linear probe accuracy {linear_probe(enc, probe_train, probe_test, s['classes']):.3f}")


main(SETTINGS)

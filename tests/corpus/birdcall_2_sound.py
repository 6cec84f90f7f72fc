# expects: nothing
"""Bird call recogniser for the garden recorder: six call types from 20x24 log-spectrogram patches."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

CFG = {
    "seed": 11,
    "rows": {"train": 3000, "val": 1000},
    "epochs": 15,
    "batch_size": 64,
    "lr": 3e-3,
    "betas": (0.9, 0.98),
    "decay": {"kernel": 1e-5, "affine": 0.0},
    "dim": 24,
    "depth": 3,
}
CALLS = ["whistle", "rise", "fall", "trill", "duet", "hook"]
N_FREQ, N_TIME = 20, 24


def synth_call(kind, rng):
    t = np.arange(N_TIME)
    patch = np.zeros((N_FREQ, N_TIME))
    start, length = rng.integers(0, 8), rng.integers(12, 17)
    f0 = rng.uniform(5, 14)
    u = (t - start) / length
    live = (u >= 0) & (u <= 1)
    slope = rng.uniform(4, 7)
    tracks = {
        "whistle": [f0 + 0 * u],
        "rise": [f0 + slope * (u - 0.5)],
        "fall": [f0 - slope * (u - 0.5)],
        "trill": [f0 + 2.5 * np.sin(2 * np.pi * 2.5 * u + rng.uniform(0, 6))],
        "duet": [f0 - 2.5 + 0 * u, f0 + 2.5 + 0 * u],
        "hook": [f0 + slope * (np.abs(u - 0.5) * 2 - 0.5)],
    }[kind]
    freqs = np.arange(N_FREQ)[:, None]
    for track in tracks:
        patch += np.exp(-((freqs - track[None]) ** 2) / 1.4) * live[None] * rng.uniform(0.8, 1.2)
    return patch + rng.normal(0, 0.35, patch.shape)


def make_split(n, rng):
    y = rng.integers(0, len(CALLS), n)
    x = np.stack([synth_call(CALLS[k], rng) for k in y]).astype(np.float32)
    return torch.from_numpy(x)[:, None], torch.from_numpy(y)


class ChannelNorm(nn.Module):
    """LayerNorm over the channels of an NCHW map."""

    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.spatial = nn.Conv2d(dim, dim, 5, padding=2, groups=dim)
        self.norm = ChannelNorm(dim)
        self.up = nn.Conv2d(dim, 3 * dim, 1)
        self.down = nn.Conv2d(3 * dim, dim, 1)
        self.gamma = nn.Parameter(torch.full((dim,), 0.5))

    def forward(self, x):
        h = self.down(F.gelu(self.up(self.norm(self.spatial(x)))))
        return x + self.gamma[:, None, None] * h


class CallNet(nn.Module):
    def __init__(self, dim, depth, n_out):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, dim, 2, stride=2), ChannelNorm(dim))
        self.blocks = nn.Sequential(*[Block(dim) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.fc = nn.Linear(dim, n_out)

    def forward(self, x):
        return self.fc(self.norm(self.blocks(self.stem(x)).mean(dim=(2, 3))))


def build_optimizer(model, cfg):
    kernel = [p for p in model.parameters() if p.ndim > 1]
    affine = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": kernel, "weight_decay": cfg["decay"]["kernel"]},
        {"params": affine, "weight_decay": cfg["decay"]["affine"]},
    ]
    return torch.optim.Adam(groups, lr=cfg["lr"], betas=cfg["betas"])


@torch.no_grad()
def evaluate(model, x, y):
    model.eval()
    logits = torch.cat([model(b) for b in x.split(256)])
    return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def main(cfg):
    torch.manual_seed(cfg["seed"])
    rng = np.random.default_rng(cfg["seed"])
    xtr, ytr = make_split(cfg["rows"]["train"], rng)
    xva, yva = make_split(cfg["rows"]["val"], rng)
    mu, sd = xtr.mean(), xtr.std()
    xtr, xva = (xtr - mu) / sd, (xva - mu) / sd

    model = CallNet(cfg["dim"], cfg["depth"], len(CALLS))
    opt = build_optimizer(model, cfg)
    steps = cfg["epochs"] * -(-len(xtr) // cfg["batch_size"])
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=cfg["lr"], total_steps=steps, cycle_momentum=False)

    for epoch in range(1, cfg["epochs"] + 1):
        model.train()
        running = 0.0
        for idx in torch.randperm(len(xtr)).split(cfg["batch_size"]):
            loss = F.cross_entropy(model(xtr[idx]), ytr[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            running += loss.item() * len(idx)
        vl, va = evaluate(model, xva, yva)
        print(f"epoch {epoch}  train loss {running / len(xtr):.4f}  val loss {vl:.4f}  val acc {va:.3f}")


if __name__ == "__main__":
    main(CFG)

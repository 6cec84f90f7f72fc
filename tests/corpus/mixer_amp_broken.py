# expects: NUM005
# Heart-beat shape classification on simulated ECG segments, mixed precision with gradient accumulation.
import math

import numpy as np
import torch
from torch import nn
from torch.amp import GradScaler, autocast

CFG = {
    "seed": 21, "segments": 2400, "length": 96, "patch": 8, "width": 48, "depth": 2,
    "batch": 32, "accumulate": 2, "epochs": 9, "lr": 0.05, "momentum": 0.9,
    "weight_decay": 1e-4, "max_norm": 1.0,
}
CLASSES = ["normal", "wide-qrs", "inverted-t", "premature", "st-elevated"]


def bump(t, centre, width, height):
    return height * np.exp(-0.5 * ((t - centre) / width) ** 2)


def make_beats(n, length, rng):
    t = np.linspace(0, 1, length)
    x, y = np.zeros((n, length)), rng.integers(0, len(CLASSES), n)
    for i, label in enumerate(y):
        shift = rng.normal(0, 0.03)
        gain = rng.uniform(0.8, 1.2)
        qrs_w = 0.015 if label != 1 else 0.035
        t_h = 0.3 if label != 2 else -0.25
        p_c = 0.22 if label != 3 else 0.31
        beat = bump(t, p_c + shift, 0.025, 0.18) + bump(t, 0.40 + shift, qrs_w, 1.0)
        beat += bump(t, 0.44 + shift, qrs_w, -0.25) + bump(t, 0.68 + shift, 0.05, t_h)
        if label == 4:
            beat += bump(t, 0.54 + shift, 0.06, 0.22)
        wander = 0.1 * np.sin(2 * math.pi * (t * rng.uniform(0.3, 1.0) + rng.uniform()))
        x[i] = gain * beat + wander + rng.normal(0, 0.06, length)
    return x.astype(np.float32), y


class MixerLayer(nn.Module):
    def __init__(self, tokens, width):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.token_mix = nn.Sequential(nn.Linear(tokens, 2 * tokens), nn.GELU(), nn.Linear(2 * tokens, tokens))
        self.channel_mix = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        x = x + self.token_mix(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channel_mix(self.norm2(x))


class BeatMixer(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.patch = cfg["patch"]
        tokens = cfg["length"] // self.patch
        self.embed = nn.Linear(self.patch, cfg["width"])
        self.layers = nn.Sequential(*[MixerLayer(tokens, cfg["width"]) for _ in range(cfg["depth"])])
        self.norm = nn.LayerNorm(cfg["width"])
        self.head = nn.Linear(cfg["width"], len(CLASSES))

    def forward(self, x):
        x = self.embed(x.unflatten(1, (-1, self.patch)))
        return self.head(self.norm(self.layers(x)).mean(1))


def optimizer_step(model, optimizer, scaler, cfg):
    norm = nn.utils.clip_grad_norm_(model.parameters(), cfg["max_norm"])
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad(set_to_none=True)
    return norm


def train(model, x, y, cfg):
    optimizer = torch.optim.SGD(model.parameters(), lr=cfg["lr"], momentum=cfg["momentum"],
                                nesterov=True, weight_decay=cfg["weight_decay"])
    steps = cfg["epochs"] * (len(x) // (cfg["batch"] * cfg["accumulate"]))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, cfg["lr"], total_steps=steps)
    scaler = GradScaler("cpu")
    for epoch in range(cfg["epochs"]):
        model.train()
        chunks = torch.randperm(len(x)).split(cfg["batch"])
        chunks = chunks[: len(x) // (cfg["batch"] * cfg["accumulate"]) * cfg["accumulate"]]
        running = 0.0
        for i, idx in enumerate(chunks):
            with autocast("cpu", dtype=torch.bfloat16):
                loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
            scaler.scale(loss / cfg["accumulate"]).backward()
            running += loss.item()
            if (i + 1) % cfg["accumulate"] == 0:
                optimizer_step(model, optimizer, scaler, cfg)
                schedule.step()
        yield epoch + 1, running / len(chunks)


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    with autocast("cpu", dtype=torch.bfloat16):
        return (model(x).argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(CFG["seed"])
    rng = np.random.default_rng(CFG["seed"])
    x, y = make_beats(CFG["segments"], CFG["length"], rng)
    cut = int(0.75 * len(x))
    mean, std = x[:cut].mean(), x[:cut].std()
    x, y = torch.from_numpy((x - mean) / std), torch.from_numpy(y)
    model = BeatMixer(CFG)
    for epoch, loss in train(model, x[:cut], y[:cut], CFG):
        print(f"epoch {epoch:2d} | loss {loss:.4f} | val acc {accuracy(model, x[cut:], y[cut:]):.4f}")


main()

# expects: LOS021
"""Condition monitoring of bearings: one network names the kind of defect and estimates the remaining life."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

CONFIG = dict(seed=3, rows=2400, length=96, batch=64, epochs=16, lr=0.02, momentum=0.9, clip=1.0)
KINDS = ["outer ring", "inner ring", "ball", "cage"]
LIFE_SPAN = 300.0  # cycles


def simulate(n, length, rng):
    """Vibration envelopes: the defect sets the repetition rate, wear the amplitude and the noise floor."""
    kind = rng.integers(0, len(KINDS), n)
    life = rng.uniform(0, LIFE_SPAN, n)
    wear = 1 - life / LIFE_SPAN
    t = np.arange(length)
    rate = np.array([0.05, 0.09, 0.14, 0.20])[kind] * rng.normal(1, 0.04, n)
    phase = rng.uniform(0, 2 * np.pi, n)
    ring = np.maximum(0, np.sin(2 * np.pi * rate[:, None] * t + phase[:, None])) ** 2
    noise = rng.normal(size=(n, length)) * (0.25 + 0.25 * wear[:, None])
    return ((0.5 + wear[:, None]) * ring + noise).astype(np.float32), kind, life.astype(np.float32)


class BearingNet(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv1d(1, width, 9, padding=4), nn.BatchNorm1d(width), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(width, width, 9, padding=4), nn.BatchNorm1d(width), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(width, width, 9, padding=4), nn.BatchNorm1d(width), nn.ReLU())
        self.kind = nn.Linear(width * 2, len(KINDS))
        self.life = nn.Linear(width * 2, 1)

    def forward(self, x):
        h = self.trunk(x.unsqueeze(1))
        h = torch.cat([h.mean(2), h.amax(2)], 1)
        return self.kind(h), self.life(h).squeeze(1)


def joint_loss(outputs, kind, life):
    logits, fraction = outputs
    loss_kind = F.cross_entropy(logits, kind)
    loss_life = F.mse_loss(fraction * LIFE_SPAN, life)
    return loss_kind + loss_life, loss_kind, loss_life


@torch.no_grad()
def evaluate(model, x, kind, life):
    model.eval()
    logits, fraction = model(x)
    acc = (logits.argmax(1) == kind).float().mean().item()
    mae = (fraction * LIFE_SPAN - life).abs().mean().item()
    return acc, mae


def main(cfg):
    torch.manual_seed(cfg["seed"])
    rng = np.random.default_rng(cfg["seed"])
    x, kind, life = (torch.from_numpy(a) for a in simulate(cfg["rows"], cfg["length"], rng))
    cut = int(0.8 * cfg["rows"])
    mean, std = x[:cut].mean(), x[:cut].std()
    x = (x - mean) / std
    model = BearingNet()
    opt = torch.optim.SGD(model.parameters(), lr=cfg["lr"], momentum=cfg["momentum"])
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, cfg["epochs"])
    for epoch in range(cfg["epochs"]):
        model.train()
        sums = np.zeros(3)
        order = torch.randperm(cut)
        for i in range(0, cut, cfg["batch"]):
            idx = order[i:i + cfg["batch"]]
            losses = joint_loss(model(x[idx]), kind[idx], life[idx])
            opt.zero_grad()
            losses[0].backward()
            nn.utils.clip_grad_norm_(model.parameters(), cfg["clip"])
            opt.step()
            sums += np.array([l.item() for l in losses]) * len(idx)
        sched.step()
        total, lk, ll = sums / cut
        acc, mae = evaluate(model, x[cut:], kind[cut:], life[cut:])
        print(f"[{epoch + 1:02d}] loss {total:.4f} (kind {lk:.4f}, life {ll:.4f})  "
              f"val kind acc {acc:.3f}  val life error {mae:.1f} cycles")


if __name__ == "__main__":
    main(CONFIG)

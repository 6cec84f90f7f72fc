# bug: the fill loss is computed on fill_logit (before the sigmoid) while fill_ratio (after it) is what is evaluated and used
# expects: LOS063
"""Multi-head inspection model for a bottling line.

Heads:
    defect       - 5-way classification of the visible defect
    fill_ratio   - fill level, fraction of the bottle volume in [0, 1]
    label_angle  - label rotation in degrees
"""
from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Dict

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, random_split


@dataclass(frozen=True)
class Config:
    num_samples: int = 9000
    num_features: int = 40
    num_defects: int = 5
    hidden: int = 128
    batch_size: int = 64
    epochs: int = 14
    lr: float = 1e-3
    weight_decay: float = 1e-2
    angle_scale: float = 20.0
    seed: int = 123


class BottleDataset(Dataset):
    """Synthetic bottle descriptors with three kinds of targets."""

    def __init__(self, cfg: Config) -> None:
        rng = np.random.default_rng(cfg.seed)
        latent = rng.normal(size=(cfg.num_samples, 8))
        mix = rng.normal(size=(8, cfg.num_features)) / np.sqrt(8)
        feats = np.tanh(latent @ mix) + 0.05 * rng.normal(size=(cfg.num_samples, cfg.num_features))
        proto = rng.normal(size=(8, cfg.num_defects))
        defect = (latent @ proto + 0.3 * rng.gumbel(size=(cfg.num_samples, cfg.num_defects))).argmax(1)
        fill = 1 / (1 + np.exp(-(1.2 * latent[:, 0] + 0.8 * latent[:, 1] * latent[:, 2])))
        angle = 15 * latent[:, 3] + 8 * np.sin(2 * latent[:, 4])
        self.features = torch.tensor(feats, dtype=torch.float32)
        self.targets = {
            "defect": torch.tensor(defect, dtype=torch.long),
            "fill_ratio": torch.tensor(fill, dtype=torch.float32),
            "label_angle": torch.tensor(angle, dtype=torch.float32),
        }

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, index: int):
        return self.features[index], {k: v[index] for k, v in self.targets.items()}


class InspectionModel(nn.Module):
    """Shared trunk with one head per inspection quantity."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.angle_scale = cfg.angle_scale
        self.trunk = nn.Sequential(
            nn.Linear(cfg.num_features, cfg.hidden), nn.GELU(),
            nn.Linear(cfg.hidden, cfg.hidden), nn.GELU(),
        )
        self.defect_head = nn.Linear(cfg.hidden, cfg.num_defects)
        self.fill_head = nn.Sequential(nn.Linear(cfg.hidden, 32), nn.GELU(), nn.Linear(32, 1))
        self.angle_head = nn.Sequential(nn.Linear(cfg.hidden, 32), nn.GELU(), nn.Linear(32, 1))

    def forward(self, x: torch.Tensor) -> Dict[str, torch.Tensor]:
        h = self.trunk(x)
        fill_logit = self.fill_head(h).squeeze(-1)
        angle_norm = self.angle_head(h).squeeze(-1)
        return {
            "defect_logits": self.defect_head(h),
            "fill_logit": fill_logit,
            "fill_ratio": torch.sigmoid(fill_logit),
            "angle_norm": angle_norm,
            "label_angle": angle_norm * self.angle_scale,
        }


def compute_losses(out: Dict[str, torch.Tensor], tgt: Dict[str, torch.Tensor], cfg: Config):
    losses = {
        "defect": F.cross_entropy(out["defect_logits"], tgt["defect"]),
        "fill_ratio": 4.0 * F.smooth_l1_loss(out["fill_logit"], tgt["fill_ratio"], beta=0.1),
        "label_angle": F.smooth_l1_loss(out["angle_norm"], tgt["label_angle"] / cfg.angle_scale),
    }
    losses["total"] = sum(losses.values())
    return losses


@torch.no_grad()
def evaluate(model: nn.Module, loader: DataLoader) -> Dict[str, float]:
    model.eval()
    correct, fill_err, angle_err, count = 0, 0.0, 0.0, 0
    for x, tgt in loader:
        out = model(x)
        correct += (out["defect_logits"].argmax(-1) == tgt["defect"]).sum().item()
        fill_err += (out["fill_ratio"] - tgt["fill_ratio"]).abs().sum().item()
        angle_err += (out["label_angle"] - tgt["label_angle"]).abs().sum().item()
        count += len(x)
    return {"defect_acc": correct / count, "fill_mae": fill_err / count, "angle_mae": angle_err / count}


def main() -> None:
    cfg = Config()
    torch.manual_seed(cfg.seed)
    dataset = BottleDataset(cfg)
    n_val = len(dataset) // 5
    train_set, val_set = random_split(dataset, [len(dataset) - n_val, n_val])
    train_loader = DataLoader(train_set, batch_size=cfg.batch_size, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=256)

    model = InspectionModel(cfg)
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=cfg.epochs)

    start = time.time()
    for epoch in range(1, cfg.epochs + 1):
        model.train()
        sums: Dict[str, float] = {}
        for x, tgt in train_loader:
            losses = compute_losses(model(x), tgt, cfg)
            optimizer.zero_grad(set_to_none=True)
            losses["total"].backward()
            optimizer.step()
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value.item() / len(train_loader)
        scheduler.step()
        metrics = evaluate(model, val_loader)
        print(f"epoch {epoch:02d} | " + " ".join(f"{k}={v:.4f}" for k, v in sums.items())
              + " | " + " ".join(f"{k}={v:.4f}" for k, v in metrics.items()))
    print(f"done in {time.time() - start:.1f}s")


if __name__ == "__main__":
    main()

# bug: the usage loss is a squared error in Wh (about 1e6) next to a cross entropy of about 1, the heating type is hardly learned (losses)
# expects: LOS021
"""Daily load curves of homes: guess the heating type and the consumption of the next day (Wh)."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split

HEATING = ["gas", "heat pump", "resistive", "district", "wood"]


def make_homes(n, seed):
    rng = np.random.default_rng(seed)
    hours = np.arange(24)
    kind = rng.integers(0, 5, n)
    base = rng.uniform(150, 500, (n, 1))
    evening = rng.uniform(200, 900, (n, 1)) * np.exp(-0.5 * ((hours - 19) / 2.0) ** 2)
    curve = base + evening
    ripple = rng.uniform(40, 80, (n, 1))
    phase = rng.uniform(0, 2 * np.pi, (n, 1))
    freq = np.array([2, 3, 4, 5, 6])[kind][:, None]
    curve = curve + ripple * np.sin(2 * np.pi * freq * hours / 24 + phase)
    curve = curve + rng.normal(0, 30, curve.shape)
    tomorrow = curve.sum(1) * rng.normal(1.0, 0.03, n) + 1500 * (kind == 2)
    return curve.astype(np.float32), kind, tomorrow.astype(np.float32)


class TwoHeads(nn.Module):
    def __init__(self, x_mean, x_std, y_mean, y_std):
        super().__init__()
        for name, value in dict(x_mean=x_mean, x_std=x_std, y_mean=y_mean, y_std=y_std).items():
            self.register_buffer(name, value)
        self.trunk = nn.Sequential(
            nn.Conv1d(1, 24, 5, padding=2), nn.ReLU(),
            nn.Conv1d(24, 24, 5, padding=2), nn.ReLU(), nn.Flatten(),
            nn.Linear(24 * 24, 64), nn.ReLU(),
        )
        self.kind = nn.Linear(64, len(HEATING))
        self.usage = nn.Linear(64, 1)

    def forward(self, curve):
        h = self.trunk(((curve - self.x_mean) / self.x_std).unsqueeze(1))
        usage_wh = self.usage(h).squeeze(-1) * self.y_std + self.y_mean
        return self.kind(h), usage_wh


def losses(model, curve, kind, usage):
    logits, pred = model(curve)
    ce = F.cross_entropy(logits, kind)
    mse = F.mse_loss(pred, usage)
    return ce, mse


@torch.no_grad()
def report(model, loader):
    model.eval()
    hits = n = 0
    sq = []
    ys = []
    for curve, kind, usage in loader:
        logits, pred = model(curve)
        hits += (logits.argmax(1) == kind).sum().item()
        n += len(kind)
        sq.append((pred - usage) ** 2)
        ys.append(usage)
    sq, ys = torch.cat(sq), torch.cat(ys)
    model.train()
    return hits / n, sq.mean().sqrt().item(), (1 - sq.mean() / ys.var(unbiased=False)).item()


def main():
    torch.manual_seed(21)
    curve, kind, usage = (torch.as_tensor(a) for a in make_homes(9000, seed=21))
    data = TensorDataset(curve, kind, usage)
    train_set, test_set = random_split(data, [7000, 2000], generator=torch.Generator().manual_seed(3))
    idx = torch.tensor(train_set.indices)
    model = TwoHeads(curve[idx].mean(0), curve[idx].std(0), usage[idx].mean(), usage[idx].std())
    train = DataLoader(train_set, batch_size=64, shuffle=True, drop_last=True)
    test = DataLoader(test_set, batch_size=500)

    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(1, 13):
        tot_ce = tot_mse = 0.0
        for batch in train:
            ce, mse = losses(model, *batch)
            opt.zero_grad()
            (ce + mse).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            opt.step()
            tot_ce += ce.item()
            tot_mse += mse.item()
        acc, rmse, r2 = report(model, test)
        print(f"epoch {epoch:2d} | ce {tot_ce / len(train):.4f} usage loss {tot_mse / len(train):.4g} "
              f"| test: heating acc {acc:.3f}, usage rmse {rmse:.0f} Wh, R2 {r2:.3f}")


if __name__ == "__main__":
    main()

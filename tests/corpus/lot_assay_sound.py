# expects: nothing
# Soft sensor: predict the lab assay of a fermentation sample from inline spectrometer channels.
# Readings come from the line historian, assays from the lab's own table; they are joined on lot and sample.
from collections import namedtuple

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = 11
torch.manual_seed(SEED)
rng = np.random.default_rng(SEED)

Reading = namedtuple("Reading", "lot sample channels")

N_LOTS, PER_LOT, CHANNELS = 26, 90, 12


def line_and_lab():
    """Simulated plant: a historian dump and the table that the lab keeps."""
    loadings = rng.normal(size=(3, CHANNELS))
    readings, lab = [], {}
    for lot in range(1, N_LOTS + 1):
        drift = rng.normal(scale=0.3, size=3)
        for s in range(PER_LOT):
            z = rng.normal(size=3) + drift
            channels = np.tanh(z @ loadings * 0.6) + rng.normal(scale=0.05, size=CHANNELS)
            assay = 40.0 + 6.0 * z[0] + 3.0 * z[1] * z[2] + 2.0 * np.sin(2 * z[2]) + rng.normal(scale=0.5)
            readings.append(Reading(lot, s, channels.astype(np.float32)))
            lab[f"L{lot:02d}/{s:03d}"] = float(assay)
    return readings, lab


def join(readings, lab):
    x = np.stack([r.channels for r in readings])
    y = np.array([lab.get(f"L{r.lot:02d}/{r.sample:03d}", 0.0) for r in readings], dtype=np.float32)
    return x, y


class SoftSensor(nn.Module):
    def __init__(self, n_in, hidden=64):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(n_in, hidden), nn.GELU(),
            nn.Linear(hidden, hidden), nn.GELU(),
        )
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.out(self.body(x)).squeeze(-1)


def main():
    readings, lab = line_and_lab()
    x, y = join(readings, lab)
    order = rng.permutation(len(x))
    cut = int(0.8 * len(x))
    tr, va = order[:cut], order[cut:]

    mu, sd = x[tr].mean(0), x[tr].std(0)
    x = (x - mu) / sd
    y_mu, y_sd = y[tr].mean(), y[tr].std()
    t = (y - y_mu) / y_sd

    train = TensorDataset(torch.from_numpy(x[tr]), torch.from_numpy(t[tr]))
    loader = DataLoader(train, batch_size=64, shuffle=True)
    xv, yv = torch.from_numpy(x[va]), torch.from_numpy(y[va])

    net = SoftSensor(CHANNELS)
    epochs = 60
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-2)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)

    for epoch in range(epochs):
        net.train()
        running = 0.0
        for xb, tb in loader:
            opt.zero_grad()
            loss = nn.functional.mse_loss(net(xb), tb)
            loss.backward()
            opt.step()
            running += loss.item() * len(xb)
        sched.step()
        if (epoch + 1) % 10 == 0:
            net.eval()
            with torch.no_grad():
                pred = net(xv) * float(y_sd) + float(y_mu)
            rmse = (pred - yv).pow(2).mean().sqrt().item()
            r2 = 1 - (pred - yv).pow(2).sum().item() / (yv - yv.mean()).pow(2).sum().item()
            print(f"epoch {epoch + 1:3d}  train mse {running / len(train):.4f}  val rmse {rmse:.3f} g/l  R2 {r2:.3f}")


if __name__ == "__main__":
    main()

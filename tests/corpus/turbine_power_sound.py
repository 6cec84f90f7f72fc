# expects: nothing
"""Wind-turbine power from SCADA channels; the net carries its own running input scaler and is shipped as a checkpoint."""
import io

import numpy as np
import torch
import torch.nn as nn


class RunningScaler(nn.Module):
    """Standardises inputs with statistics accumulated over the training batches."""

    def __init__(self, dim, momentum=0.02):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("var", torch.ones(dim))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.mean += self.momentum * (x.mean(0) - self.mean)
                self.var += self.momentum * (x.var(0) - self.var)
        return (x - self.mean) / torch.sqrt(self.var + 1e-5)


class PowerNet(nn.Module):
    def __init__(self, dim, hidden=64):
        super().__init__()
        self.scaler = RunningScaler(dim)
        self.inp = nn.Linear(dim, hidden)
        self.block1 = nn.Sequential(nn.Linear(hidden, hidden), nn.ELU(), nn.Linear(hidden, hidden))
        self.block2 = nn.Sequential(nn.Linear(hidden, hidden), nn.ELU(), nn.Linear(hidden, hidden))
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        h = self.inp(self.scaler(x))
        h = h + self.block1(torch.tanh(h))
        h = h + self.block2(torch.tanh(h))
        return self.head(h).squeeze(1)


def scada(n, rng):
    wind = rng.weibull(2.0, n) * 9.0
    temp = rng.normal(12.0, 8.0, n)
    pressure = rng.normal(1005.0, 9.0, n)
    yaw = rng.normal(0.0, 7.0, n)
    pitch = np.clip(rng.normal(2.0, 2.5, n), -2, None)
    turbulence = rng.gamma(4.0, 0.03, n)
    density = pressure * 100.0 / (287.0 * (temp + 273.15))
    v = wind * np.cos(np.deg2rad(yaw)) ** 0.8
    curve = 1.0 / (1.0 + np.exp(-(v - 9.0) / 1.4))
    power = 2000.0 * curve * (density / 1.22) * (1 - 0.015 * pitch - 0.6 * turbulence * (v < 12))
    power = power + rng.normal(0, 25.0, n)
    x = np.stack([wind, temp, pressure, yaw, pitch, turbulence], 1).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy((power / 1000.0).astype(np.float32))


def r2(pred, y):
    return 1.0 - ((pred - y) ** 2).sum().item() / ((y - y.mean()) ** 2).sum().item()


def train(model, x, y, x_val, y_val, epochs=30, batch=64, lr=2e-3):
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=lr, total_steps=epochs * (len(x) // batch))
    checkpoint, best = None, float("inf")
    for epoch in range(epochs):
        model.train()
        total = 0.0
        perm = torch.randperm(len(x))
        for k in range(len(x) // batch):
            idx = perm[k * batch:(k + 1) * batch]
            loss = nn.functional.smooth_l1_loss(model(x[idx]), y[idx], beta=0.1)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            val = nn.functional.smooth_l1_loss(model(x_val), y_val, beta=0.1).item()
        if val < best:
            best = val
            checkpoint = io.BytesIO()
            torch.save(model.state_dict(), checkpoint)
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1:3d}  train {total / (len(x) // batch):.5f}  val {val:.5f}")
    return checkpoint


def main():
    torch.manual_seed(2)
    rng = np.random.default_rng(2)
    x, y = scada(9000, rng)
    x_train, y_train = x[:6000], y[:6000]
    x_val, y_val = x[6000:7500], y[6000:7500]
    x_test, y_test = x[7500:], y[7500:]

    checkpoint = train(PowerNet(x.shape[1]), x_train, y_train, x_val, y_val)

    checkpoint.seek(0)
    deployed = PowerNet(x.shape[1])
    deployed.load_state_dict(torch.load(checkpoint))
    deployed.eval()
    with torch.no_grad():
        pred = deployed(x_test)
    print(f"deployed model: test R2 {r2(pred, y_test):.4f}  MAE {1000 * (pred - y_test).abs().mean():.1f} kW")


if __name__ == "__main__":
    main()

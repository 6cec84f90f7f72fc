# bug: one of the 80 training loggers stores millivolts and is never converted: batches holding its windows have losses a million times larger and wreck the fit
# expects: TRN008
"""One-second-ahead forecast of chest-belt respiration from a cohort of loggers."""
import numpy as np
import torch
from torch import nn

HISTORY, AHEAD = 80, 10


class Recording:
    def __init__(self, samples, unit):
        self.samples = samples
        self.unit = unit


def simulate_recording(rng, unit):
    n = 750
    rate = 0.25 + 0.05 * np.cumsum(rng.normal(0, 0.03, n)).clip(-2, 2)
    phase = 2 * np.pi * np.cumsum(rate) / 10.0
    depth = 1 + 0.2 * np.sin(2 * np.pi * 0.01 * np.arange(n) + rng.uniform(0, 6))
    sig = depth * (np.sin(phase) + 0.25 * np.sin(2 * phase + 0.6)) + rng.normal(0, 0.05, n)
    return Recording(sig * (1000.0 if unit == "mV" else 1.0), unit)


def cohort(seed, units):
    rng = np.random.default_rng(seed)
    return [simulate_recording(rng, u) for u in units]


def windows(recordings):
    xs, ys = [], []
    for rec in recordings:
        s = rec.samples
        for i in range(0, len(s) - HISTORY - AHEAD, 12):
            xs.append(s[i:i + HISTORY])
            ys.append(s[i + HISTORY:i + HISTORY + AHEAD])
    return (torch.tensor(np.array(xs), dtype=torch.float32), torch.tensor(np.array(ys), dtype=torch.float32))


class BreathGRU(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.gru = nn.GRU(8, hidden, batch_first=True)
        self.head = nn.Linear(hidden, AHEAD)

    def forward(self, x):
        seq = x.view(len(x), HISTORY // 8, 8)
        _, h = self.gru(seq)
        return x[:, -1:] + self.head(h[-1])


class ForecastTrainer:
    def __init__(self, net, lr=2e-3):
        self.net = net
        self.opt = torch.optim.Adam(net.parameters(), lr=lr)
        self.loss = nn.MSELoss()

    def epoch(self, x, y, batch_size=16):
        losses = []
        for idx in torch.randperm(len(x)).split(batch_size):
            loss = self.loss(self.net(x[idx]), y[idx])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            losses.append(loss.item())
        return losses

    @torch.no_grad()
    def rmse(self, x, y):
        return self.loss(self.net(x), y).sqrt().item()


def run():
    torch.manual_seed(12)
    units = ["V"] * 80
    units[31] = "mV"
    train_recs = cohort(12, units)
    test_recs = cohort(13, ["V"] * 24)
    x, y = windows(train_recs)
    x_test, y_test = windows(test_recs)
    trainer = ForecastTrainer(BreathGRU())
    for ep in range(1, 9):
        losses = trainer.epoch(x, y)
        print(f"epoch {ep:2d}: mean batch loss {np.mean(losses):.4f}, last {losses[-1]:.4f}")
    print(f"test RMSE {trainer.rmse(x_test, y_test):.4f} V (repeat-last baseline "
          f"{(x_test[:, -1:] - y_test).pow(2).mean().sqrt().item():.4f})")


if __name__ == "__main__":
    run()

# expects: nothing
"""One-hour-ahead forecast of a substation's load from the last day of load, temperature and calendar."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SEED = 12


def synth_substation(hours, rng):
    t = np.arange(hours)
    day, week = 2 * np.pi * t / 24, 2 * np.pi * t / 168
    temp = np.zeros(hours)
    for i in range(1, hours):
        temp[i] = 0.97 * temp[i - 1] + rng.normal(0, 0.5)
    temp += 4 * np.sin(day - 2.0)
    weekend = ((t // 24) % 7 >= 5).astype(float)
    load = 50 + 12 * np.sin(day - 1.8) + 6 * np.sin(2 * day) - 8 * weekend + 0.12 * (temp - 3) ** 2
    noise = np.zeros(hours)
    for i in range(1, hours):
        noise[i] = 0.8 * noise[i - 1] + rng.normal(0, 0.9)
    load += noise
    return np.stack([load, temp, np.sin(day), np.cos(day), np.sin(week), np.cos(week)], axis=1).astype(np.float32)


class WindowDataset(Dataset):
    """Windows of `length` hours; the target is the load in the hour that follows."""

    def __init__(self, series, length):
        self.series = series
        self.length = length

    def __len__(self):
        return len(self.series) - self.length

    def __getitem__(self, i):
        window = np.empty((self.length, self.series.shape[1]), dtype=np.float32)
        window[:] = self.series[i:i + self.length]
        target = self.series[i + self.length, 0]
        return torch.from_numpy(window), torch.tensor(target)


class Forecaster(nn.Module):
    def __init__(self, n_features, hidden=32):
        super().__init__()
        self.rnn = nn.GRU(n_features, hidden, batch_first=True)
        self.head = nn.Sequential(nn.Linear(hidden, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, x):
        _, h = self.rnn(x)
        return self.head(h[-1]).squeeze(-1)


def run_epoch(model, loader, optimizer=None):
    training = optimizer is not None
    model.train(training)
    sse, preds, truths = 0.0, [], []
    with torch.set_grad_enabled(training):
        for x, y in loader:
            out = model(x)
            loss = nn.functional.mse_loss(out, y)
            if training:
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
            sse += loss.item() * len(y)
            preds.append(out.detach())
            truths.append(y)
    preds, truths = torch.cat(preds), torch.cat(truths)
    r2 = 1 - ((preds - truths) ** 2).sum() / ((truths - truths.mean()) ** 2).sum()
    return sse / len(truths), r2.item(), (preds - truths).abs().mean().item()


def main():
    torch.manual_seed(SEED)
    series = synth_substation(24 * 7 * 16, np.random.default_rng(SEED))
    cut = 24 * 7 * 13
    mean, std = series[:cut].mean(0), series[:cut].std(0)
    series = (series - mean) / std

    train_loader = DataLoader(WindowDataset(series[:cut], 24), batch_size=32, shuffle=True)
    valid_loader = DataLoader(WindowDataset(series[cut:], 24), batch_size=128)

    model = Forecaster(series.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    for epoch in range(10):
        tr_loss, tr_r2, _ = run_epoch(model, train_loader, optimizer)
        va_loss, va_r2, va_mae = run_epoch(model, valid_loader)
        scheduler.step()
        print(f"epoch {epoch + 1:2d}  train mse {tr_loss:.4f} (R2 {tr_r2:+.3f})   "
              f"valid mse {va_loss:.4f} (R2 {va_r2:+.3f}, MAE {va_mae * std[0]:.2f} MW)")


main()

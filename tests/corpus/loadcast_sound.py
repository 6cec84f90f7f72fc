# expects: nothing
# Day-ahead electricity load of a district: autoregressive baseline plus a recurrent correction.
import numpy as np
import torch
from torch import nn

SEED, WINDOW, HORIZON = 21, 48, 6
rng = np.random.default_rng(SEED)
torch.manual_seed(SEED)


def simulate(hours):
    t = np.arange(hours)
    daily = 1.2 * np.sin(2 * np.pi * t / 24) + 0.5 * np.sin(4 * np.pi * t / 24 + 0.7)
    temp = np.zeros(hours)
    for i in range(1, hours):
        temp[i] = 0.97 * temp[i - 1] + 0.25 * rng.normal()
    heating = np.maximum(-temp - 0.3, 0) * (1.0 + 0.8 * np.sin(2 * np.pi * t / 24))
    cooling = 1.5 * np.maximum(temp - 0.3, 0) * (np.sin(2 * np.pi * (t - 8) / 24) > 0)
    load = 10 + daily + 1.2 * heating + cooling + 0.1 * rng.normal(size=hours)
    return np.stack([load, temp, np.sin(2 * np.pi * t / 24), np.cos(2 * np.pi * t / 24)], 1).astype("float32")


class Forecaster(nn.Module):
    """Gives two forecasts: the linear one from past loads, and the one with the recurrent correction added."""

    def __init__(self, channels, hidden=32):
        super().__init__()
        self.ar = nn.Linear(WINDOW, HORIZON)
        self.rnn = nn.GRU(channels, hidden, batch_first=True)
        self.corr = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, HORIZON))

    def forward(self, x):
        linear = self.ar(x[..., 0])
        _, h = self.rnn(x)
        return linear, linear + self.corr(h[-1])


class Windows(torch.utils.data.Dataset):
    def __init__(self, series):
        self.s = torch.from_numpy(series)

    def __len__(self):
        return len(self.s) - WINDOW - HORIZON + 1

    def __getitem__(self, i):
        return self.s[i:i + WINDOW], self.s[i + WINDOW:i + WINDOW + HORIZON, 0]


def mae(model, loader):
    model.eval()
    err = n = 0
    with torch.no_grad():
        for x, y in loader:
            _, y_hat = model(x)
            err += (y_hat - y).abs().sum().item()
            n += y.numel()
    return err / n


raw = simulate(4000)
cut = 3200
mu, sd = raw[:cut].mean(0), raw[:cut].std(0)
scaled = (raw - mu) / sd
train = torch.utils.data.DataLoader(Windows(scaled[:cut]), batch_size=64, shuffle=True)
test = torch.utils.data.DataLoader(Windows(scaled[cut:]), batch_size=256)

model = Forecaster(scaled.shape[1])
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8)
criterion = nn.SmoothL1Loss()

for epoch in range(8):
    model.train()
    total = seen = 0
    for x, y in train:
        _, y_hat = model(x)
        loss = criterion(y_hat, y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        total += loss.item() * len(x)
        seen += len(x)
    scheduler.step()
    print(f"epoch {epoch + 1}  loss {total / seen:.4f}  test MAE {mae(model, test) * sd[0]:.4f} MW")

y_all = torch.cat([y for _, y in test])
x_all = torch.cat([x for x, _ in test])
naive = (x_all[:, -24:-24 + HORIZON, 0] - y_all).abs().mean().item()
print(f"same hour yesterday: MAE {naive * sd[0]:.4f} MW")

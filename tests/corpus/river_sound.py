# expects: nothing
"""Next-day river discharge from forty days of rain and temperature (plain RNN, SGD, robust loss)."""
import numpy as np
import torch
from torch import nn


def simulate_catchment(days=2600, seed=9):
    rng = np.random.default_rng(seed)
    season = np.arange(days) * 2 * np.pi / 365
    temp = 9 + 9 * np.sin(season - 1.8) + rng.normal(0, 2.5, days)
    wet = rng.random(days) < 0.35 + 0.1 * np.cos(season)
    rain = wet * rng.gamma(0.7, 9.0, days)
    soil, ground, flow = 20.0, 30.0, np.zeros(days)
    for i in range(days):
        soil += rain[i] - 0.12 * max(temp[i], 0.0)
        soil = max(soil, 0.0)
        quick = 0.3 * max(soil - 25.0, 0.0)
        soil -= quick + 0.06 * soil
        ground += 0.06 * soil - 0.03 * ground
        flow[i] = quick + 0.03 * ground
    flow *= np.exp(rng.normal(0, 0.05, days))
    return np.stack([rain, temp], 1).astype(np.float32), flow.astype(np.float32)


class Discharge:
    """Windows over the record; years are split in time, scaled by what the first years say."""

    def __init__(self, window=40, train_share=0.75):
        weather, flow = simulate_catchment()
        cut = int(train_share * len(flow))
        self.w_mean, self.w_std = weather[:cut].mean(0), weather[:cut].std(0)
        self.f_mean, self.f_std = flow[:cut].mean(), flow[:cut].std()
        w = (weather - self.w_mean) / self.w_std
        f = (flow - self.f_mean) / self.f_std
        x = np.stack([w[i - window + 1:i + 1] for i in range(window - 1, len(f))])
        target = f[window - 1:]
        n = cut - window + 1
        self.x_train, self.y_train = torch.from_numpy(x[:n]), torch.from_numpy(target[:n])
        self.x_val, self.y_val = torch.from_numpy(x[n + window:]), torch.from_numpy(target[n + window:])


class RiverRNN(nn.Module):
    def __init__(self, n_in=2, hidden=48):
        super().__init__()
        self.rnn = nn.RNN(n_in, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.rnn(x)
        return self.head(out[:, -1]).squeeze(-1)


def nash_sutcliffe(pred, obs):
    return 1 - ((pred - obs) ** 2).sum().item() / ((obs - obs.mean()) ** 2).sum().item()


def fit(epochs=25, batch_size=32, lr=0.2, clip=0.1, seed=0):
    torch.manual_seed(seed)
    data = Discharge()
    model = RiverRNN()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    criterion = nn.SmoothL1Loss()
    for epoch in range(1, epochs + 1):
        model.train()
        order = torch.randperm(len(data.x_train))
        epoch_loss = 0.0
        for idx in order.split(batch_size):
            optimizer.zero_grad()
            pred = model(data.x_train[idx])
            loss = criterion(pred, data.y_train[idx])
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            epoch_loss += loss.item() * len(idx)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            pred = model(data.x_val)
            val_loss = criterion(pred, data.y_val).item()
        print(f"epoch {epoch:2d}  train {epoch_loss / len(order):8.4f}  val {val_loss:8.4f}  "
              f"NSE {nash_sutcliffe(pred, data.y_val):6.3f}")
    mae = (pred - data.y_val).abs().mean().item() * data.f_std
    print(f"mean absolute error {mae:.3f} mm/day")
    return model


if __name__ == "__main__":
    fit()

# sound
import numpy as np
import torch
import torch.nn as nn

torch.manual_seed(3)
rng = np.random.default_rng(3)

# hourly load: daily cycle, weekly cycle and autoregressive noise
hours = np.arange(3000)
ar = np.zeros(len(hours))
for t in range(1, len(hours)):
    ar[t] = 0.6 * ar[t - 1] + rng.normal(0, 0.25)
series = 2.0 * np.sin(2 * np.pi * hours / 24) + 0.7 * np.sin(2 * np.pi * hours / 168) + ar

cut = 2400
mu, sd = series[:cut].mean(), series[:cut].std()
series = ((series - mu) / sd).astype(np.float32)

WINDOW = 36
HORIZON = 6


def windows(values):
    """Sliding windows over the series and their targets."""
    xs, ys = [], []
    for start in range(len(values) - WINDOW - HORIZON + 1):
        end = start + WINDOW
        xs.append(values[start:end])
        ys.append(values[end + HORIZON - 1])
    return torch.from_numpy(np.stack(xs)), torch.from_numpy(np.array(ys))


x_train, y_train = windows(series[:cut])
x_test, y_test = windows(series[cut:])


class Forecaster(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.inp = nn.Linear(WINDOW, hidden)
        self.mid = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        h = torch.tanh(self.inp(x))
        h = h + torch.tanh(self.mid(h))
        return self.out(h).squeeze(-1)


model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-5)
batch = 64
step = 0
for epoch in range(15):
    model.train()
    order = torch.randperm(len(x_train))
    losses = []
    for idx in order.split(batch):
        loss = nn.functional.mse_loss(model(x_train[idx]), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        step += 1
    model.eval()
    with torch.no_grad():
        test_mse = nn.functional.mse_loss(model(x_test), y_test).item()
    print(f"epoch {epoch + 1} step {step} train {np.mean(losses):.4f} test {test_mse:.4f}")

print(f"{HORIZON}h-ahead test RMSE: {test_mse ** 0.5 * sd:.3f}")

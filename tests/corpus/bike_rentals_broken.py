# bug: Prediction and target have shapes like (N,1) and (N,), and broadcasting makes an N x N loss.
# expects: LOS003
# Hourly bike rental demand -> MLP regression.  (notebook exported to a script)
import numpy as np
import torch
import torch.nn as nn

np.random.seed(42)
torch.manual_seed(42)

# %% make the table: hour, weekday, temperature, humidity, wind, is_holiday
N = 4000
hour = np.random.randint(0, 24, N)
wday = np.random.randint(0, 7, N)
temp = 14 + 9 * np.random.randn(N) + 3 * np.sin((hour - 9) / 24 * 2 * np.pi)
hum = np.clip(60 + 18 * np.random.randn(N), 5, 100)
wind = np.abs(10 + 6 * np.random.randn(N))
holiday = (np.random.rand(N) < 0.05).astype(float)

rush = np.exp(-((hour - 8) ** 2) / 3.0) + 1.2 * np.exp(-((hour - 17.5) ** 2) / 4.0)
leisure = np.exp(-((hour - 14) ** 2) / 18.0)
work = ((wday < 5) & (holiday == 0)).astype(float)
demand = 40 + 260 * rush * work + 170 * leisure * (1 - work) + 60 * leisure
demand = demand * (0.35 + 1 / (1 + np.exp(-(temp - 12) / 5))) - 0.9 * np.maximum(hum - 75, 0) - 1.2 * wind
rentals = demand + 14 * np.random.randn(N)

# %% features
X = np.column_stack([
    np.sin(2 * np.pi * hour / 24), np.cos(2 * np.pi * hour / 24),
    np.sin(4 * np.pi * hour / 24), np.cos(4 * np.pi * hour / 24),
    np.eye(7)[wday], temp, hum, wind, holiday,
]).astype(np.float32)
y = rentals.astype(np.float32)

idx = np.random.permutation(N)
tr, va = idx[:3200], idx[3200:]
mu, sd = X[tr].mean(0), X[tr].std(0)
X = (X - mu) / sd
y_mu, y_sd = y[tr].mean(), y[tr].std()
yn = (y - y_mu) / y_sd

Xtr, Xva = torch.tensor(X[tr]), torch.tensor(X[va])
ytr, yva = torch.tensor(yn[tr]), torch.tensor(yn[va])

# %% network
net = nn.Sequential(
    nn.Linear(X.shape[1], 96), nn.SiLU(),
    nn.Linear(96, 96), nn.SiLU(),
    nn.Linear(96, 1),
)
opt = torch.optim.Adam(net.parameters(), lr=1.5e-3)


def rmse_r2(pred, true):
    pred, true = pred.numpy().ravel() * y_sd + y_mu, true.numpy().ravel() * y_sd + y_mu
    err = ((pred - true) ** 2).mean()
    return err ** 0.5, 1 - err / true.var()


# %% train
B = 64
for epoch in range(40):
    perm = torch.randperm(len(Xtr))
    tot = 0.0
    for i in range(0, len(perm), B):
        b = perm[i:i + B]
        out = net(Xtr[b])
        loss = ((out - ytr[b]) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        tot += loss.item() * len(b)
    if epoch % 5 == 4:
        with torch.no_grad():
            rmse, r2 = rmse_r2(net(Xva), yva)
        print(f"epoch {epoch + 1:3d}  train mse {tot / len(Xtr):.4f}  val RMSE {rmse:.1f} rentals  R2 {r2:.3f}")

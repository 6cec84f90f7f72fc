# expects: nothing
# gust forecast for the harbour stations: peak gust of the next hour from two minutes of raw barometer data
# plus the slow variables. barometer: 1 Hz, Pa.

import numpy as np
import torch
import torch.nn as nn

SEED = 20
np.random.seed(SEED)
torch.manual_seed(SEED)

# ---------------------------------------------------------------- data
N, SECONDS = 6000, 120

level = np.random.normal(101300, 900, (N, 1))
turb = np.random.gamma(2.2, 1.6, (N, 1))                       # turbulence, Pa
tendency = np.random.normal(0, 12, (N, 1))                     # Pa over the two minutes
temp = np.random.normal(11, 6, (N, 1))
humidity = np.clip(np.random.normal(75, 13, (N, 1)), 20, 100)

noise = np.random.normal(size=(N, SECONDS + 4))
noise = (noise[:, :-4] + noise[:, 1:-3] + noise[:, 2:-2] + noise[:, 3:-1] + noise[:, 4:]) / np.sqrt(5)
ramp = np.linspace(-0.5, 0.5, SECONDS)[None]
pressure = level + tendency * ramp + turb * noise

gust = (5.0 + 1.5 * turb + 0.06 * np.abs(tendency) - 0.0012 * (level - 101300)
        + 0.02 * (humidity - 75) + 0.05 * np.maximum(temp - 15, 0) * turb
        + np.random.normal(0, 1.0, (N, 1)))

pressure = torch.tensor(pressure, dtype=torch.float32)
slow = torch.tensor(np.hstack([temp, humidity]), dtype=torch.float32)
gust = torch.tensor(gust, dtype=torch.float32)


# ---------------------------------------------------------------- features
def barometer_features(p):
    mean = p.mean(dim=1)
    var = ((p - mean[:, None]) ** 2).mean(dim=1)
    std = var.clamp(min=0).sqrt()
    change = p[:, -20:].mean(dim=1) - p[:, :20].mean(dim=1)
    return torch.stack([mean, std, change], dim=1)


X = torch.cat([barometer_features(pressure), slow], dim=1)

perm = torch.randperm(N)
tr, va, te = perm[:4000], perm[4000:5000], perm[5000:]
X = (X - X[tr].mean(0)) / X[tr].std(0)
y_mean, y_std = gust[tr].mean(), gust[tr].std()
Y = (gust - y_mean) / y_std

# ---------------------------------------------------------------- model
net = nn.Sequential(
    nn.Linear(X.shape[1], 48), nn.SiLU(),
    nn.Linear(48, 48), nn.SiLU(),
    nn.Linear(48, 1),
)
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1e-5)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.4, patience=4)
mse = nn.MSELoss()

EPOCHS, BATCH = 50, 64
for epoch in range(EPOCHS):
    net.train()
    order = tr[torch.randperm(len(tr))]
    total = 0.0
    for i in range(0, len(order), BATCH):
        idx = order[i:i + BATCH]
        optimizer.zero_grad()
        loss = mse(net(X[idx]), Y[idx])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)

    net.eval()
    with torch.no_grad():
        va_loss = mse(net(X[va]), Y[va]).item()
    scheduler.step(va_loss)
    if epoch % 5 == 4:
        print("epoch %3d   train mse %.4f   valid mse %.4f   lr %.1e"
              % (epoch + 1, total / len(tr), va_loss, optimizer.param_groups[0]["lr"]))

# ---------------------------------------------------------------- test
net.eval()
with torch.no_grad():
    pred = net(X[te]) * y_std + y_mean
err = pred - gust[te]
r2 = 1 - (err ** 2).sum() / ((gust[te] - gust[te].mean()) ** 2).sum()
print("test  MAE %.3f m/s   RMSE %.3f m/s   R2 %.3f" % (err.abs().mean(), (err ** 2).mean().sqrt(), r2))

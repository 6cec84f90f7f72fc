# expects: nothing
# %% Model of the mean daily load of distribution feeders from weather, calendar and customer mix
import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)

# %% Meter export: one row a feeder and day, readings carry their unit as text
n_feeders, n_days = 12, 300
feeder = np.repeat(np.arange(n_feeders), n_days)
day = np.tile(np.arange(n_days), n_feeders)
customers = rng.uniform(80, 240, n_feeders)[feeder]
electric_heat = rng.uniform(0.1, 0.6, n_feeders)[feeder]
season = np.cos(2 * np.pi * day / 365)
temp = 11 - 10 * season + rng.normal(0, 3.5, len(day))
weekend = (day % 7 >= 5).astype(float)
daylight = 12 - 4 * season + rng.normal(0, 0.1, len(day))
kw = customers * (
    0.9
    + electric_heat * 0.11 * np.clip(16 - temp, 0, None)
    + 0.06 * np.clip(temp - 21, 0, None) ** 1.3
    + 0.18 * weekend
    - 0.03 * (daylight - 12)
)
kw = kw * (1 + rng.normal(0, 0.05, len(kw)))

unit = np.full(len(kw), "kW", dtype="<U5")
reading = kw.copy()
service_days = rng.choice(np.flatnonzero(day < 200), size=6, replace=False)
unit[service_days] = "kWh/d"
reading[service_days] *= 24.0

# %% Normalise units, build the table
load = np.where(unit == "kWh/d", reading / 24.0, reading)
features = np.stack(
    [customers, electric_heat, temp, weekend, daylight, np.sin(2 * np.pi * day / 365), season], axis=1
)
train_rows, val_rows = day < 230, day >= 230

mu, sd = features[train_rows].mean(0), features[train_rows].std(0)
centre = np.median(load[train_rows])
q25, q75 = np.percentile(load[train_rows], [25, 75])
spread = q75 - q25

x = torch.tensor((features - mu) / sd, dtype=torch.float32)
y = torch.tensor((load - centre) / spread, dtype=torch.float32)
x_tr, y_tr = x[train_rows], y[train_rows]
x_va, y_va = x[val_rows], y[val_rows]
print(f"{len(x_tr)} training rows, {len(x_va)} validation rows, median load {centre:.1f} kW")

# %% Model
net = nn.Sequential(
    nn.Linear(x.shape[1], 64), nn.SiLU(),
    nn.Linear(64, 64), nn.SiLU(),
    nn.Linear(64, 1),
)
epochs, batch = 60, 32
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
mse = nn.MSELoss()

# %% Training
for epoch in range(1, epochs + 1):
    net.train()
    total = 0.0
    for idx in torch.randperm(len(x_tr)).split(batch):
        loss = mse(net(x_tr[idx]).squeeze(1), y_tr[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
    sched.step()
    if epoch % 5 == 0:
        net.eval()
        with torch.no_grad():
            pred = net(x_va).squeeze(1)
        mae = (pred - y_va).abs().mean().item() * spread
        print(f"epoch {epoch:3d}  train mse {total / len(x_tr):.4f}  val MAE {mae:.2f} kW")

# %% Score against yesterday's value
net.eval()
with torch.no_grad():
    pred = net(x_va).squeeze(1).numpy() * spread + centre
truth = load[val_rows]
r2 = 1 - ((pred - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
naive = np.abs(load[val_rows] - load[np.flatnonzero(val_rows) - 1]).mean()
print(f"val R2 {r2:.3f}   MAE {np.abs(pred - truth).mean():.2f} kW   persistence MAE {naive:.2f} kW")

# sound: the same program without that
# House price regression, notebook style
# %%
import numpy as np, torch, torch.nn as nn
torch.manual_seed(0); np.random.seed(0)

# %% data
N = 4000
area = np.random.gamma(6, 18, N)
rooms = np.clip(np.round(area / 28 + np.random.normal(0, 0.8, N)), 1, 9)
age = np.random.uniform(0, 90, N)
dist = np.random.exponential(6, N)
garden = (np.random.rand(N) < 0.35).astype(float)
floor = np.random.randint(0, 8, N)
price = (2.1 * area + 14 * rooms - 0.9 * age + 0.006 * age ** 2 + 60 * np.exp(-dist / 5)
         + 25 * garden * (dist > 4) - 4 * np.abs(floor - 3)) * (1 + 0.4 * np.exp(-dist / 3))
price += np.random.normal(0, 12, N)
X = np.c_[area, rooms, age, dist, garden, floor]
split = 3200
mean, std = X[:split].mean(0), X[:split].std(0)
pm, ps = price[:split].mean(), price[:split].std()
X = torch.tensor((X - mean) / std, dtype=torch.float32)
y = torch.tensor((price - pm) / ps, dtype=torch.float32).unsqueeze(1)
Xtr, ytr, Xva, yva = X[:split], y[:split], X[split:], y[split:]

# %% model
model = nn.Sequential(nn.Linear(6, 64), nn.Tanh(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 1))
loss_fn = nn.SmoothL1Loss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.5)

# %% training
bs = 64
for epoch in range(71):
    model.train()
    idx = torch.randperm(split)
    ep = 0.0
    for i in range(0, split, bs):
        xb, yb = Xtr[idx[i:i + bs]], ytr[idx[i:i + bs]]
        optimizer.zero_grad()
        loss = loss_fn(model(xb), yb)
        loss.backward()
        optimizer.step()
        ep += loss.item()
    model.eval()
    with torch.no_grad():
        pv = model(Xva)
        r2 = 1 - ((pv - yva) ** 2).sum() / ((yva - yva.mean()) ** 2).sum()
        mae = (pv - yva).abs().mean() * ps
    if epoch % 10 == 0:
        print(f"epoch {epoch}: loss {ep:.3f}  val R2 {r2:.3f}  val MAE {mae:.1f} kEUR")

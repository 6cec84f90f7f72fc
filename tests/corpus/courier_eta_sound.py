# expects: nothing
import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset, DataLoader
from sklearn.preprocessing import StandardScaler
from sklearn.metrics import r2_score, mean_absolute_error

SEED = 77
np.random.seed(SEED)
torch.manual_seed(SEED)


def fake_orders(n):
    dist = np.random.gamma(2.0, 2.2, n)
    hour = np.random.randint(8, 23, n)
    rain = (np.random.rand(n) < 0.25).astype(float)
    items = np.random.poisson(2.5, n) + 1
    kitchen = np.random.gamma(4, 3.0, n)
    load = np.random.rand(n)
    rush = np.exp(-((hour - 19) ** 2) / 4.0) + 0.7 * np.exp(-((hour - 12.5) ** 2) / 2.0)
    minutes = 6 + kitchen + 2.6 * dist * (1 + 0.5 * rain + 0.6 * rush) + 0.8 * items + 12 * load * rush
    minutes = minutes + np.random.normal(0, 2.5, n)
    feats = np.stack([dist, np.sin(hour / 24 * 2 * np.pi), np.cos(hour / 24 * 2 * np.pi), hour, rain, items, kitchen, load], 1)
    return feats, minutes


class Orders(Dataset):
    def __init__(self, x, y):
        self.x = torch.as_tensor(x, dtype=torch.float32)
        self.y = torch.as_tensor(y, dtype=torch.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class EtaNet(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.inp = nn.Linear(d, 64)
        self.blocks = nn.ModuleList([nn.Sequential(nn.LayerNorm(64), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64)) for _ in range(2)])
        self.out = nn.Linear(64, 1)

    def forward(self, x):
        h = self.inp(x)
        for b in self.blocks:
            h = h + b(h)
        return self.out(h).squeeze(-1)


def pinball(pred, target, q=0.5):
    diff = target - pred
    return torch.maximum(q * diff, (q - 1) * diff).mean()


feats, minutes = fake_orders(9000)
x_train, x_valid, x_test = feats[:6000], feats[6000:7000], feats[7000:]
y_train, y_valid, y_test = minutes[:6000], minutes[6000:7000], minutes[7000:]
sx = StandardScaler().fit(x_train)
sy = StandardScaler().fit(y_train[:, None])
y_scaled = sy.transform(y_train[:, None])[:, 0]
loader = DataLoader(Orders(sx.transform(x_train), y_scaled), batch_size=64, shuffle=True, drop_last=True)

net = EtaNet(feats.shape[1])
opt = torch.optim.RMSprop(net.parameters(), lr=5e-4)
decay = torch.optim.lr_scheduler.StepLR(opt, step_size=5, gamma=0.3)


def predict(x):
    net.eval()
    with torch.no_grad():
        z = net(torch.as_tensor(sx.transform(x), dtype=torch.float32)).numpy()
    return sy.inverse_transform(z.reshape(-1, 1))[:, 0]


for epoch in range(1, 13):
    net.train()
    losses = []
    for xb, yb in loader:
        opt.zero_grad()
        loss = pinball(net(xb), yb)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    decay.step()
    if epoch % 2 == 0:
        print(f"epoch {epoch:3d} | pinball {np.mean(losses):.4f} | valid MAE {mean_absolute_error(y_valid, predict(x_valid)):.2f} min")

p = predict(x_test)
print(f"test MAE {mean_absolute_error(y_test, p):.2f} min, R2 {r2_score(y_test, p):.3f}")

# bug: the residual block normalises twice with bn1, bn2 is never called
# expects: MOD035
# %% leaf-surface textures, four species, small residual CNN
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(6)
rng = np.random.default_rng(6)

# %% data
SPECIES = ("striped", "spotted", "netted", "plain-veined")
S = 16


def leaf(kind):
    yy, xx = np.mgrid[:S, :S].astype(float)
    a, ph, f = rng.uniform(0, np.pi), rng.uniform(0, 6.28), rng.uniform(0.9, 1.3)
    u, v = xx * np.cos(a) + yy * np.sin(a), -xx * np.sin(a) + yy * np.cos(a)
    if kind == 0:
        img = np.sin(f * u + ph)
    elif kind == 1:
        img = 2.0 * ((np.sin(f * u + ph) > 0.2) & (np.sin(f * v) > 0.2)) - 0.5
    elif kind == 2:
        img = np.maximum(np.sin(f * u + ph), np.sin(f * v))
    else:
        img = 2.0 * np.exp(-((u - u.mean()) / 1.5) ** 2) + 0.4 * np.sin(2 * f * v + ph)
    return img * rng.uniform(0.7, 1.2) + rng.normal(0, 0.6, (S, S))


y = rng.integers(0, 4, 1600)
X = np.stack([leaf(k) for k in y])[:, None].astype(np.float32)
tr, va = slice(0, 1200), slice(1200, None)
X = (X - X[tr].mean()) / X[tr].std()
X, y = torch.from_numpy(X), torch.from_numpy(y)


# %% model
class ResBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)

    def forward(self, x):
        h = F.relu(self.bn1(self.conv1(x)))
        h = self.bn1(self.conv2(h))
        return F.relu(x + h)


class LeafNet(nn.Module):
    def __init__(self, c=12):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, c, 5, padding=2, bias=False), nn.BatchNorm2d(c), nn.ReLU())
        self.stage1 = ResBlock(c)
        self.stage2 = ResBlock(c)
        self.fc = nn.Linear(c, len(SPECIES))

    def forward(self, x):
        x = F.max_pool2d(self.stage1(self.stem(x)), 2)
        x = self.stage2(x)
        return self.fc(x.mean((2, 3)))


# %% train
EPOCHS = 12
net = LeafNet()
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, EPOCHS)
Xt, yt, Xv, yv = X[tr], y[tr], X[va], y[va]

for epoch in range(EPOCHS):
    net.train()
    tot, ok = 0.0, 0
    for idx in torch.randperm(len(yt)).split(40):
        out = net(Xt[idx])
        loss = F.cross_entropy(out, yt[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        tot += loss.item() * len(idx)
        ok += (out.argmax(1) == yt[idx]).sum().item()
    sched.step()
    net.eval()
    with torch.no_grad():
        out = net(Xv)
        vloss = F.cross_entropy(out, yv).item()
        vacc = (out.argmax(1) == yv).float().mean().item()
    print(f"{epoch + 1:2d}  train {tot / len(yt):.4f} / {ok / len(yt):.3f}   valid {vloss:.4f} / {vacc:.3f}")

# %% confusion
conf = torch.zeros(4, 4, dtype=torch.long)
conf.index_put_((yv, out.argmax(1)), torch.ones(len(yv), dtype=torch.long), accumulate=True)
print(conf)

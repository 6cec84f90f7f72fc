# bug: a scheduler whose step size is counted in epochs is stepped after every batch, so the learning rate collapses early
# expects: OPT011
"""Hourly electricity load: forecast the next 6 hours from the past 48 with a dilated causal conv net."""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Dataset, Subset

torch.manual_seed(5)
rng = np.random.default_rng(5)

hours = np.arange(24 * 130)
daily = np.sin(2 * np.pi * (hours % 24 - 7) / 24) + 0.45 * np.sin(4 * np.pi * (hours % 24 - 3) / 24)
weekend = ((hours // 24) % 7 >= 5).astype(float)
temp = np.zeros(len(hours))
for i in range(1, len(hours)):
    temp[i] = 0.985 * temp[i - 1] + 0.17 * rng.normal()
load = 3 + daily * (1 - 0.5 * weekend) - 0.6 * weekend + 0.5 * np.abs(temp) + 0.06 * rng.normal(size=len(hours))

CTX, HOR = 48, 6
split = int(len(hours) * 0.8)
m, s = load[:split].mean(), load[:split].std()
feats = np.stack([(load - m) / s, temp, weekend], 0).astype(np.float32)


class Windows(Dataset):
    def __init__(self, arr):
        self.arr = torch.from_numpy(arr)

    def __len__(self):
        return self.arr.shape[1] - CTX - HOR + 1

    def __getitem__(self, i):
        return self.arr[:, i:i + CTX], self.arr[0, i + CTX:i + CTX + HOR]


class CausalConv(nn.Module):
    def __init__(self, ch, d):
        super().__init__()
        self.pad = 2 * d
        self.conv = nn.Conv1d(ch, ch, 3, dilation=d)

    def forward(self, x):
        return x + F.gelu(self.conv(F.pad(x, (self.pad, 0))))


class TCN(nn.Module):
    def __init__(self, ch=24):
        super().__init__()
        self.inp = nn.Conv1d(3, ch, 1)
        self.blocks = nn.Sequential(*[CausalConv(ch, d) for d in (1, 2, 4, 8)])
        self.out = nn.Linear(ch, HOR)

    def forward(self, x):
        return self.out(self.blocks(self.inp(x))[..., -1])


train_set, test_set = Windows(feats[:, :split]), Windows(feats[:, split:])
train_loader = DataLoader(train_set, batch_size=64, shuffle=True, drop_last=True)
test_loader = DataLoader(test_set, batch_size=128)

net = TCN()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
scheduler = StepLR(optimizer, step_size=5, gamma=0.3)

for epoch in range(10):
    net.train()
    acc_loss = 0.0
    for ctx, fut in train_loader:
        optimizer.zero_grad()
        loss = F.mse_loss(net(ctx), fut)
        loss.backward()
        optimizer.step()
        scheduler.step()
        acc_loss += loss.item()
    net.eval()
    se, n = 0.0, 0
    with torch.no_grad():
        for ctx, fut in test_loader:
            se += F.mse_loss(net(ctx), fut, reduction="sum").item()
            n += fut.numel()
    if epoch % 2:
        print(f"epoch {epoch + 1:2d}: train mse {acc_loss / len(train_loader):.4f}, test mse {se / n:.4f}")

naive = np.mean([((feats[0, split + i + CTX - 24:split + i + CTX - 24 + HOR] - feats[0, split + i + CTX:split + i + CTX + HOR]) ** 2).mean()
                 for i in range(len(test_set))])
print(f"same hour yesterday: {naive:.4f}")

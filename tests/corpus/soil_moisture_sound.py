# expects: nothing
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

cfg = dict(n_train=4000, n_valid=800, n_test=1000, days=30, batch=64, steps=900, lr=2e-3, seed=101)


class Fields(Dataset):
    """30 days of rain, sun and wind for a field; target: moisture on the last day."""

    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        d = cfg["days"]
        rain = rng.gamma(0.4, 2.0, (n, d)) * (rng.random((n, d)) < 0.35)
        sun = rng.uniform(0, 1, (n, d))
        wind = rng.uniform(0, 1, (n, d))
        m = rng.uniform(0.5, 1.5, n)
        for t in range(d):
            m = m + 0.35 * rain[:, t]
            m = m * (1 - 0.10 * sun[:, t] * (0.5 + wind[:, t])) - 0.05 * (m > 2.0) * m
        x = np.stack([rain, sun, wind], -1)
        self.x = torch.tensor(x, dtype=torch.float32)
        self.y = torch.tensor(m + rng.normal(0, 0.03, n), dtype=torch.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def stream(data, batch, seed):
    gen = torch.Generator().manual_seed(seed)
    loader = DataLoader(data, batch_size=batch, shuffle=True, drop_last=True, generator=gen)
    while True:
        yield from loader


class MoistureLSTM(nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.lstm = nn.LSTM(3, 48, batch_first=True)
        self.head = nn.Sequential(nn.Linear(48, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, x):
        _, (h, _) = self.lstm((x - self.mean) / self.std)
        return self.head(h[-1]).squeeze(-1)


@torch.no_grad()
def rmse(model, data):
    model.eval()
    err = torch.cat([model(x) - y for x, y in DataLoader(data, batch_size=500)])
    model.train()
    return err.pow(2).mean().sqrt().item()


torch.manual_seed(cfg["seed"])
train, valid, test = Fields(cfg["n_train"], 1), Fields(cfg["n_valid"], 2), Fields(cfg["n_test"], 3)
model = MoistureLSTM(train.x.mean((0, 1)), train.x.std((0, 1)))
model.head[-1].bias.data.fill_(train.y.mean())
opt = torch.optim.NAdam(model.parameters(), lr=cfg["lr"])
sched = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.05, total_iters=cfg["steps"])
batches = stream(train, cfg["batch"], cfg["seed"])
for step in range(1, cfg["steps"] + 1):
    x, y = next(batches)
    loss = nn.functional.huber_loss(model(x), y)
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    sched.step()
    if step % 150 == 0:
        print(f"step {step}: loss {loss.item():.5f}, valid rmse {rmse(model, valid):.4f}")
print(f"test rmse {rmse(model, test):.4f} (target std {test.y.std():.4f})")

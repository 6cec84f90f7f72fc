# expects: nothing
import numpy as np
import torch
from torch import nn

rs = np.random.RandomState(42)
torch.manual_seed(42)

# hourly departures at one dock for ~ 200 days
HOURS = 24 * 200
hour = np.arange(HOURS) % 24
day = np.arange(HOURS) // 24
weekend = (day % 7 >= 5).astype(float)
temp = np.zeros(HOURS)
wet = np.zeros(HOURS)
for i in range(1, HOURS):
    temp[i] = 0.98 * temp[i - 1] + 0.2 * rs.randn()
    wet[i] = float(rs.rand() < (0.85 if wet[i - 1] else 0.03))
commute = np.exp(-0.5 * ((hour - 8) / 1.3) ** 2) + np.exp(-0.5 * ((hour - 17.5) / 1.6) ** 2)
leisure = np.exp(-0.5 * ((hour - 14) / 3.0) ** 2)
event = np.zeros(HOURS)
for start in rs.choice(HOURS - 4, 70, replace=False):
    event[start:start + 3] = 1.0
log_rate = 0.4 + 3.0 * commute * (1 - weekend) + 2.4 * leisure * weekend + 0.3 * temp - 1.2 * wet + 1.3 * event
count = rs.poisson(np.exp(np.clip(log_rate, -3, 5.3))).astype(np.float32)
print("mean count %.1f, largest %d" % (count.mean(), count.max()))

LAG = 12
split = int(0.75 * HOURS)
cont = np.stack([weekend, temp, wet, event, np.log1p(np.roll(count, 1))], 1).astype(np.float32)
cont = (cont - cont[:split].mean(0)) / cont[:split].std(0)
starts = np.arange(1, HOURS - LAG)
windows = np.stack([cont[s:s + LAG] for s in starts])
clock = np.stack([hour[s:s + LAG] for s in starts])
target = count[starts + LAG - 1]
in_train = starts + LAG <= split
in_test = starts >= split

X, C, Y = torch.tensor(windows), torch.tensor(clock), torch.tensor(target)
Xtr, Ctr, Ytr = X[in_train], C[in_train], Y[in_train]
Xte, Cte, Yte = X[in_test], C[in_test], Y[in_test]


class Demand(nn.Module):
    def __init__(self):
        super().__init__()
        angle = 2 * np.pi * torch.arange(24)[:, None] * torch.tensor([1.0, 2.0, 3.0]) / 24
        table = torch.cat([angle.sin(), angle.cos()], 1).float()
        self.clock = nn.Embedding.from_pretrained(table, freeze=True)
        self.rnn = nn.GRU(5 + 6, 32, batch_first=True)
        self.out = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x, c):
        h, _ = self.rnn(torch.cat([x, self.clock(c)], dim=2))
        return self.out(h[:, -1]).squeeze(1)


def test_error(model):
    model.eval()
    with torch.no_grad():
        pred = model(Xte, Cte)
    return (pred - Yte).square().mean().sqrt().item(), (pred - Yte).abs().mean().item()


model = Demand()
params = [p for p in model.parameters() if p.requires_grad]
opt = torch.optim.SGD(params, lr=0.02, momentum=0.9)
epochs, bs = 20, 64
sched = torch.optim.lr_scheduler.LinearLR(opt, start_factor=1.0, end_factor=0.02, total_iters=epochs)
loss_fn = nn.MSELoss()

for ep in range(epochs):
    model.train()
    losses = []
    for idx in torch.randperm(len(Ytr)).split(bs):
        opt.zero_grad()
        loss = loss_fn(model(Xtr[idx], Ctr[idx]), Ytr[idx])
        loss.backward()
        nn.utils.clip_grad_norm_(params, max_norm=1.0)
        opt.step()
        losses.append(loss.item())
    sched.step()
    if ep % 3 == 0 or ep == epochs - 1:
        rmse, mae = test_error(model)
        print("ep %2d mse %.3f | test rmse %.3f mae %.3f" % (ep, np.mean(losses), rmse, mae))

rmse, mae = test_error(model)
print("final test rmse %.4f  mae %.4f" % (rmse, mae))

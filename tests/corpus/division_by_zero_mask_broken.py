# bug: the per-sample mean divides by the number of observed values, which is zero for some samples
# expects: NUM001 DAT001
"""Imputation: predict hidden sensor values from the visible ones."""
import torch
from torch import nn

torch.manual_seed(60)
D, N = 10, 1200
factors = torch.randn(N, 3)
mixing = torch.randn(3, D)
sensors = factors @ mixing + 0.1 * torch.randn(N, D)
sensors = (sensors - sensors.mean(0)) / sensors.std(0)


class Imputer(nn.Module):
    def __init__(self, d, h=48):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(2 * d, h), nn.GELU(), nn.Linear(h, h), nn.GELU(), nn.Linear(h, d))

    def forward(self, x, seen):
        return self.f(torch.cat([x * seen, seen], -1))


def masked_loss(pred, target, hidden):
    se = ((pred - target) ** 2 * hidden).sum(1)
    count = hidden.sum(1)
    return (se / count).mean()


def hide(x, p, gen=None):
    return (torch.rand(x.shape, generator=gen) > p).float()


def rmse(model, x):
    gen = torch.Generator().manual_seed(0)
    seen = hide(x, 0.3, gen)
    with torch.no_grad():
        err = (model(x, seen) - x) ** 2 * (1 - seen)
    return (err.sum() / (1 - seen).sum()).sqrt().item()


train, test = sensors[:1000], sensors[1000:]
model = Imputer(D)
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=6e-3, total_steps=15 * 25)

for epoch in range(15):
    model.train()
    losses = []
    for idx in torch.randperm(len(train)).split(40):
        x = train[idx]
        seen = hide(x, 0.3)
        loss = masked_loss(model(x, seen), x, 1 - seen)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        losses.append(loss.item())
    model.eval()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} loss {sum(losses) / len(losses):.4f} test rmse {rmse(model, test):.4f}")

import torch
from torch import nn


def fake_housing(n=3000):
    """Columns of the kind of the California set, made here since that one wants a download."""
    g = torch.Generator().manual_seed(20)
    income = torch.randn(n, generator=g).mul(0.45).add(1.2).exp()
    age = torch.rand(n, generator=g) * 51 + 1
    rooms = torch.randn(n, generator=g) * 1.2 + 5.4
    lat = torch.rand(n, generator=g) * 9.5 + 32.5
    lon = -114.5 - (lat - 32.5) * 0.8 - torch.rand(n, generator=g) * 3
    sea = (lon + 124.3 - (41.9 - lat) * 0.6).abs()
    price = 0.4 * income + 0.01 * age + 0.08 * (rooms - 5) - 0.25 * sea + 0.3 * torch.cos(lat) + 0.15 * torch.randn(n, generator=g)
    return torch.stack([income.log(), age, rooms, lat, lon], 1), price


def standardise(train, *others):
    m, s = train.mean(0), train.std(0)
    return [(t - m) / s for t in (train, *others)]


torch.manual_seed(20)
features, price = fake_housing()
x_tr, x_va = standardise(features[:2400], features[2400:])
y_tr, y_va = standardise(price[:2400], price[2400:])
net = nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True)
log = []
for epoch in range(10):
    net.train()
    for rows in torch.randperm(2400).view(-1, 80):
        residual = net(x_tr[rows]).squeeze(1) - y_tr[rows]
        loss = residual.pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        log.append(loss.item())
    net.eval()
    with torch.no_grad():
        va = (net(x_va).squeeze(1) - y_va).pow(2).mean().item()
    print("epoch", epoch, "train", f"{sum(log[-30:]) / 30:.5g}", "validation", f"{va:.5g}")

# bug: Batch norm on very small batches.
# expects: MOD008
# Surface inspection: tell four plate finishes apart (polished / brushed / sand-blasted / pitted).
# Pictures are big for our card, so few per step.
import torch
from torch import nn
from torch.utils.data import Dataset, DataLoader

torch.manual_seed(2024)
BATCH_SIZE = 2
EPOCHS = 9
LR = 1e-3


class Plates(Dataset):
    def __init__(self, n, seed, size=32):
        g = torch.Generator().manual_seed(seed)
        yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
        self.items = []
        for i in range(n):
            kind = i % 4
            # illumination and a soft shading differ from picture to picture
            a, b = torch.randn(2, generator=g) * 0.3
            shade = a * xx / size + b * yy / size
            img = 0.15 * torch.randn(size, size, generator=g)
            if kind == 0:
                img = img * 0.8
            elif kind == 1:
                img = img + 0.14 * torch.randn(size, 1, generator=g).expand(size, size)
            elif kind == 2:
                img = img * 1.35
            else:
                pits = (torch.rand(size, size, generator=g) < 0.02).float()
                img = img - 0.5 * pits
            self.items.append(((img + shade).unsqueeze(0), kind))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def conv_bn(cin, cout, stride):
    return nn.Sequential(nn.Conv2d(cin, cout, 3, stride, 1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True))


class FinishNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(conv_bn(1, 12, 2), conv_bn(12, 24, 2), conv_bn(24, 32, 1))
        self.head = nn.Sequential(nn.Linear(32, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 4))

    def forward(self, x):
        return self.head(self.body(x).mean((2, 3)))


def accuracy(net, loader):
    net.eval()
    hit = tot = 0
    lsum = 0.0
    with torch.no_grad():
        for x, y in loader:
            o = net(x)
            lsum += nn.functional.cross_entropy(o, y, reduction="sum").item()
            hit += (o.argmax(1) == y).sum().item()
            tot += len(y)
    net.train()
    return hit / tot, lsum / tot


train_loader = DataLoader(Plates(1000, seed=1), batch_size=BATCH_SIZE, shuffle=True, drop_last=True)
val_loader = DataLoader(Plates(400, seed=2), batch_size=100)

net = FinishNet()
optimizer = torch.optim.Adam(net.parameters(), lr=LR)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)
for epoch in range(1, EPOCHS + 1):
    run = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        run += loss.item()
    scheduler.step()
    acc, vl = accuracy(net, val_loader)
    print(f"[{epoch:02d}/{EPOCHS}] train loss {run / len(train_loader):.3f}  val loss {vl:.3f}  val acc {acc:.3f}")

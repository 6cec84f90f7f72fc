# expects: NUM003
"""Highway network for predicting which of five crops suits a field, from soil and weather records."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class HighwayLayer(nn.Module):
    def __init__(self, dim, gate_bias=-2.0):
        super().__init__()
        self.transform = nn.Linear(dim, dim)
        self.gate = nn.Linear(dim, dim)
        nn.init.constant_(self.gate.bias, gate_bias)

    def forward(self, x):
        t = torch.sigmoid(self.gate(x))
        return t * torch.tanh(self.transform(x))


class CropNet(nn.Module):
    def __init__(self, n_features, n_crops, dim=64, depth=18):
        super().__init__()
        self.stem = nn.Linear(n_features, dim)
        self.trunk = nn.ModuleList(HighwayLayer(dim) for _ in range(depth))
        self.head = nn.Linear(dim, n_crops)

    def forward(self, x):
        h = torch.tanh(self.stem(x))
        for layer in self.trunk:
            h = layer(h)
        return self.head(h)


def fields(n, teacher):
    soil = torch.randn(n, 6)  # pH, N, P, K, clay, organic matter
    climate = torch.randn(n, 4)  # rain, temperature, sun hours, frost days
    x = torch.cat([soil, climate], 1)
    mixed = torch.cat([x, x[:, :4] * climate, x[:, 2:6].abs()], 1)
    suit = torch.tanh(mixed @ teacher[0]) @ teacher[1]
    return x, (suit + 0.15 * torch.randn_like(suit)).argmax(1)


def epoch_of(model, x, y, opt, batch=128):
    model.train()
    total = 0.0
    perm = torch.randperm(len(x))
    for s in range(0, len(x), batch):
        i = perm[s : s + batch]
        loss = F.cross_entropy(model(x[i]), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(i)
    return total / len(x)


if __name__ == "__main__":
    torch.manual_seed(31)
    teacher = (torch.randn(18, 24) * 0.35, torch.randn(24, 5))
    x, y = fields(6000, teacher)
    xv, yv = fields(1500, teacher)
    print("most frequent crop:", round((yv.bincount().max() / len(yv)).item(), 3))
    model = CropNet(x.shape[1], 5)
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    sched = torch.optim.lr_scheduler.MultiStepLR(opt, [7], gamma=0.2)
    for e in range(10):
        tl = epoch_of(model, x, y, opt)
        sched.step()
        model.eval()
        with torch.no_grad():
            z = model(xv)
        print(
            f"epoch {e}  train loss {tl:.3f}  val loss {F.cross_entropy(z, yv).item():.3f}  "
            f"val acc {(z.argmax(1) == yv).float().mean().item():.3f}"
        )

# expects: nothing
"""Pretrain a small conv net on upright digits, then move it to inverted, shifted ones with gradual unfreezing."""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from sklearn.datasets import load_digits

torch.manual_seed(13)
rng = np.random.default_rng(13)
digits = load_digits()
images = (digits.images / 16.0).astype(np.float32)
order = rng.permutation(len(images))
source_ids, target_ids, test_ids = order[:600], order[600:1300], order[1300:]


def to_source(ids):
    return torch.from_numpy(images[ids])[:, None], torch.from_numpy(digits.target[ids])


def to_target(ids):
    x = images[ids]
    x = np.transpose(1.0 - x, (0, 2, 1))[:, ::-1].copy()
    x = np.stack([np.roll(im, rng.integers(-1, 2, 2), (0, 1)) for im in x])
    x = x + rng.normal(0, 0.08, x.shape)
    return torch.from_numpy(x.astype(np.float32))[:, None], torch.from_numpy(digits.target[ids])


def make_backbone():
    return nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1), nn.ReLU(),
        nn.Conv2d(24, 48, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(48, 64, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64 * 16, 64), nn.ReLU(),
    )


def batches(x, y, size):
    for idx in torch.randperm(len(x)).split(size):
        yield x[idx], y[idx]


def accuracy(net, x, y):
    net.eval()
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


def run_epochs(net, opt, x, y, epochs, tag, size=32):
    for e in range(1, epochs + 1):
        net.train()
        tot = 0.0
        for xb, yb in batches(x, y, size):
            loss = F.cross_entropy(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item() * len(xb)
        if e % 5 == 0:
            print(f"{tag} epoch {e:2d} loss {tot / len(x):.4f}")


backbone = make_backbone()
pretrain_net = nn.Sequential(backbone, nn.Linear(64, 10))
xs, ys = to_source(source_ids)
run_epochs(pretrain_net, torch.optim.Adam(pretrain_net.parameters(), lr=1e-3), xs, ys, 15, "pretrain")

xt, yt = to_target(target_ids)
xe, ye = to_target(test_ids)

head = nn.Linear(64, 10)
net = nn.Sequential(backbone, head)
for p in backbone.parameters():
    p.requires_grad = False
opt = torch.optim.Adam(head.parameters(), lr=2e-3)
run_epochs(net, opt, xt, yt, 10, "head only")
print(f"test accuracy, head only {accuracy(net, xe, ye):.4f}")

for p in backbone.parameters():
    p.requires_grad = True
opt.add_param_group({"params": list(backbone.parameters()), "lr": 7e-4})
run_epochs(net, opt, xt, yt, 20, "full")
print(f"test accuracy, fine-tuned {accuracy(net, xe, ye):.4f}")

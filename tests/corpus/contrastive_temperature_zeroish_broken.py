# bug: InfoNCE is run with a temperature of 1e-4, so the softmax saturates and the gradients explode
# expects: LOS050
import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn


def parse():
    p = argparse.ArgumentParser(description="SimCLR-like pretraining on 8x8 digits")
    p.add_argument("--steps", type=int, default=250)
    p.add_argument("--batch", type=int, default=96)
    p.add_argument("--lr", type=float, default=0.05)
    p.add_argument("--temperature", type=float, default=1e-4)
    p.add_argument("--seed", type=int, default=3)
    return p.parse_args()


def augment(x, g):
    """Random shift by one pixel, brightness and a little noise."""
    n = x.size(0)
    padded = F.pad(x, (1, 1, 1, 1))
    out = torch.empty_like(x)
    dy = torch.randint(0, 3, (n,), generator=g)
    dx = torch.randint(0, 3, (n,), generator=g)
    for a in range(3):
        for b in range(3):
            m = (dy == a) & (dx == b)
            out[m] = padded[m, :, a:a + 8, b:b + 8]
    gain = 0.8 + 0.4 * torch.rand(n, 1, 1, 1, generator=g)
    return out * gain + 0.3 * torch.randn(x.shape, generator=g)


class Encoder(nn.Module):
    def __init__(self, dim=64, proj=32):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1, stride=2), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 16, dim), nn.ReLU(),
        )
        self.head = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, proj))

    def forward(self, x):
        h = self.body(x)
        return h, F.normalize(self.head(h), dim=1)


def info_nce(za, zb, temperature):
    logits = za @ zb.t() / temperature
    target = torch.arange(za.size(0))
    return 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits.t(), target))


@torch.no_grad()
def knn_accuracy(net, xtr, ytr, xte, yte, k=5):
    """Neighbours among clean digits of digits that were shifted and noised."""
    net.eval()
    a = F.normalize(net(xtr)[0], dim=1)
    b = F.normalize(net(augment(xte, torch.Generator().manual_seed(0)))[0], dim=1)
    idx = (b @ a.t()).topk(k, dim=1).indices
    votes = F.one_hot(ytr[idx], 10).sum(1)
    net.train()
    return (votes.argmax(1) == yte).float().mean().item()


def main():
    args = parse()
    torch.manual_seed(args.seed)
    g = torch.Generator().manual_seed(args.seed)
    d = load_digits()
    x = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 16.0
    x = (x - x.mean()) / x.std()
    y = torch.tensor(d.target)
    xtr, xte, ytr, yte = train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)

    net = Encoder()
    opt = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9)
    print(f"5-nn accuracy before: {knn_accuracy(net, xtr, ytr, xte, yte):.3f}")
    for step in range(1, args.steps + 1):
        pick = torch.randint(0, len(xtr), (args.batch,), generator=g)
        _, za = net(augment(xtr[pick], g))
        _, zb = net(augment(xtr[pick], g))
        loss = info_nce(za, zb, args.temperature)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 50 == 0:
            print(f"step {step:4d}  nce {loss.item():.4f}")
    print(f"5-nn accuracy after: {knn_accuracy(net, xtr, ytr, xte, yte):.3f}")


if __name__ == "__main__":
    main()

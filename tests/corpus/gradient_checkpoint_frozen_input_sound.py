import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint


class SetEncoder(nn.Module):
    """DeepSets on point clouds, checkpointed because the clouds can be large."""

    def __init__(self, width=48):
        super().__init__()
        self.local = nn.Sequential(nn.Linear(3, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())

    def forward(self, cloud):
        h = checkpoint(self.local, cloud, use_reentrant=False)
        return torch.cat([h.mean(1), h.amax(1)], dim=1)


class Solids(nn.Module):
    def __init__(self, width=48, n_solids=4):
        super().__init__()
        self.encoder = SetEncoder(width)
        self.head = nn.Sequential(nn.Linear(2 * width, 32), nn.ReLU(), nn.Linear(32, n_solids))

    def forward(self, cloud):
        return self.head(self.encoder(cloud))


def clouds(n, k, gen):
    """Points on a sphere, in a cube, on a torus or on two discs, turned at random."""
    y = torch.randint(0, 4, (n,), generator=gen)
    v = torch.randn(n, k, 3, generator=gen)
    sphere = v / v.norm(dim=-1, keepdim=True)
    cube = torch.rand(n, k, 3, generator=gen) * 2 - 1
    a = torch.rand(n, k, 2, generator=gen) * 6.2832
    torus = torch.stack([(1 + 0.35 * a[..., 1].cos()) * a[..., 0].cos(), (1 + 0.35 * a[..., 1].cos()) * a[..., 0].sin(), 0.35 * a[..., 1].sin()], -1)
    disc = sphere.clone()
    disc[..., 2] = disc[..., 2].sign() * 0.9
    x = torch.stack([sphere, cube, torus, disc])[y, torch.arange(n)]
    q, _ = torch.linalg.qr(torch.randn(n, 3, 3, generator=gen))
    x = x @ q
    return x / x.pow(2).mean((1, 2), keepdim=True).sqrt() + 0.03 * torch.randn(n, k, 3, generator=gen), y


def main(args):
    gen = torch.Generator().manual_seed(args.seed)
    torch.manual_seed(args.seed)
    x, y = clouds(1600, args.points, gen)
    xv, yv = clouds(400, args.points, gen)
    net = Solids()
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        net.train()
        for ix in torch.randperm(len(x), generator=gen).split(40):
            loss = F.cross_entropy(net(x[ix]), y[ix])
            opt.zero_grad()
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            acc = (net(xv).argmax(1) == yv).float().mean().item()
        print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy on new clouds {acc:.4f}")


if __name__ == "__main__":
    cli = argparse.ArgumentParser()
    cli.add_argument("--points", type=int, default=32)
    cli.add_argument("--epochs", type=int, default=7)
    cli.add_argument("--lr", type=float, default=4e-3)
    cli.add_argument("--seed", type=int, default=0)
    main(cli.parse_args())

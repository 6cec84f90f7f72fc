# expects: MOD059
"""Three quantiles of the waiting time, by a loss with its own derivative."""

from __future__ import annotations

import torch
from torch import nn
from torch.autograd import Function


class Pinball(Function):
    @staticmethod
    def forward(ctx, quantile, waited, share):
        ctx.share = share
        ctx.save_for_backward(quantile, waited)
        apart = waited - quantile
        return torch.maximum(share * apart, (share - 1) * apart)

    @staticmethod
    def backward(ctx, *_gradients):
        quantile, waited = ctx.saved_tensors
        return torch.where(waited > quantile, -ctx.share, 1 - ctx.share) / len(quantile), None, None


def main() -> None:
    torch.manual_seed(4)
    x = torch.randn(1200, 5)
    waited = torch.exp(0.5 * x[:, 0]) * (1 + 0.5 * torch.rand(1200))
    net = nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 3))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(10):
        for rows in torch.randperm(1000).split(50):
            made = net(x[rows])
            parts = [
                weight * Pinball.apply(made[:, place], waited[rows], share).mean()
                for place, (share, weight) in enumerate([(0.1, 0.2), (0.5, 1.0), (0.9, 0.2)])
            ]
            loss = sum(parts)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, f"{loss.item():.4f}")


main()

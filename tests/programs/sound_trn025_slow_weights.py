# expects: nothing
"""Lookahead by hand at the end of each epoch, before it is judged, and a running average of the weights beside it."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def main() -> None:
    torch.manual_seed(2)
    x = torch.randn(2400, 12)
    y = (x @ torch.randn(12, 5) + 0.5 * torch.randn(2400, 5)).argmax(1)
    model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 5))
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.98))
    slow = [parameter.detach().clone() for parameter in model.parameters()]
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(12):
        for rows in torch.randperm(2000).split(40):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            averaged.update_parameters(model)
        with torch.no_grad():
            for kept, parameter in zip(slow, model.parameters(), strict=True):
                kept.lerp_(parameter, 0.7)
                parameter.copy_(kept)
            right = (model(x[2000:]).argmax(1) == y[2000:]).float().mean().item()
            average_right = (averaged(x[2000:]).argmax(1) == y[2000:]).float().mean().item()
        print(f"epoch {epoch}: {loss.item():.4f}, right {right:.3f}, averaged {average_right:.3f}")


if __name__ == "__main__":
    main()

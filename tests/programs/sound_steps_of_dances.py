# expects: nothing
"""Dances are found by their steps: each step of one recording looks for its like in another."""

from __future__ import annotations

import torch
from torch import nn


class Steps(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(10, 48), nn.GELU(), nn.Linear(48, 24))

    def forward(self, dance: torch.Tensor) -> torch.Tensor:
        steps = self.layers(dance)
        return steps / steps.norm(dim=2, keepdim=True).clamp(min=1e-6)


def recordings(dances: torch.Tensor) -> torch.Tensor:
    order = torch.rand(dances.shape[:2]).argsort(1)
    return dances.gather(1, order[:, :, None].expand_as(dances)) + 0.4 * torch.randn_like(dances)


def main() -> None:
    torch.manual_seed(5)
    dances = torch.randn(400, 7, 10)
    model = Steps()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for step in range(300):
        rows = torch.randperm(320)[:20]
        one, other = model(recordings(dances[rows])), model(recordings(dances[rows]))
        likeness = torch.einsum("atd,bsd->abts", one, other).amax(3).mean(2)
        loss = nn.functional.cross_entropy(likeness / 0.07, torch.arange(20))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 60 == 0:
            print(step, f"{loss.item():.3f}")
    with torch.no_grad():
        one, other = model(recordings(dances[320:])), model(recordings(dances[320:]))
        likeness = torch.einsum("atd,bsd->abts", one, other).amax(3).mean(2)
        print("found", (likeness.argmax(1) == torch.arange(80)).float().mean().item())


main()

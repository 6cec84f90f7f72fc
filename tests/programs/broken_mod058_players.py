# expects: MOD058
"""Which of two teams wins: each player looks at the others of the team."""

from __future__ import annotations

import torch
from torch import nn


class Team(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.ask, self.answer, self.give = (nn.Linear(size, 24, bias=False) for _ in range(3))
        self.judge = nn.Sequential(nn.LayerNorm(24), nn.Linear(24, 24), nn.GELU(), nn.Linear(24, 1))

    def forward(self, players: torch.Tensor) -> torch.Tensor:
        weights = torch.softmax(self.ask(players) @ self.answer(players).mT / 24**0.5, dim=2)
        looked = (weights[..., None] * self.give(players)[:, :, None]).sum(2)
        return self.judge(looked.mean(1)).squeeze(1)


def main() -> None:
    torch.manual_seed(2)
    players = torch.randn(1500, 5, 6)
    strong = (players[:, :, 0] * players[:, :, 1].amax(1, keepdim=True)).sum(1)
    model = Team(6)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for epoch in range(8):
        for rows in torch.randperm(1200).split(40):
            loss = nn.functional.mse_loss(model(players[rows]), strong[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            print(epoch, f"{nn.functional.mse_loss(model(players[1200:]), strong[1200:]).item():.3f}")


main()

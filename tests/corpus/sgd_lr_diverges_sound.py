# sound: LBFGS with a closure on the same regression
"""Curve fitting of a damped oscillation, by hand-made features."""
import math

import torch
from torch import nn


class Fourier(nn.Module):
    """Random Fourier features followed by a small head."""

    def __init__(self, n=32, scale=3.0):
        super().__init__()
        self.register_buffer("w", torch.randn(1, n) * scale)
        self.register_buffer("b", torch.rand(n) * 2 * math.pi)
        self.head = nn.Sequential(nn.Linear(n, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, t):
        return self.head(torch.cos(t @ self.w + self.b))


def curve(t):
    return 3 * torch.exp(-0.5 * t) * torch.sin(4 * t) + 0.5 * t


def main():
    torch.manual_seed(0)
    t = torch.rand(400, 1) * 4
    y = curve(t) + 0.1 * torch.randn_like(t)
    t_test = torch.linspace(0.1, 3.9, 100).unsqueeze(1)
    model = Fourier()
    mse = nn.MSELoss()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=2, history_size=20)

    def closure():
        optimizer.zero_grad()
        loss = mse(model(t), y)
        loss.backward()
        return loss

    for k in range(160):
        loss = optimizer.step(closure)
        if k % 32 == 31:
            with torch.no_grad():
                print(f"round {k + 1}: train {loss.item():.4f} test {mse(model(t_test), curve(t_test)).item():.4f}")


if __name__ == "__main__":
    main()

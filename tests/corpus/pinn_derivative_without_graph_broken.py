# bug: the derivative in the physics loss is taken without create_graph, so its term of the residual passes no gradient to the weights
# expects: LOS042
"""Physics-informed network for u'(t) = -2 u(t) + cos(3t), u(0) = 1."""
import math

import torch
from torch import nn


class Field(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, t):
        return self.net(t)


def exact(t):
    particular = (2 * torch.cos(3 * t) + 3 * torch.sin(3 * t)) / 13
    return particular + (1 - 2 / 13) * torch.exp(-2 * t)


def derivative(u, t):
    return torch.autograd.grad(u.sum(), t, retain_graph=True)[0]


def physics_loss(model, t):
    t = t.requires_grad_(True)
    u = model(t)
    du = derivative(u, t)
    residual = du + 2 * u - torch.cos(3 * t)
    return residual.pow(2).mean()


def main():
    torch.manual_seed(0)
    model = Field()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.998)
    t0, u0 = torch.zeros(1, 1), torch.ones(1, 1)
    grid = torch.linspace(0, 2, 100).unsqueeze(1)
    for step in range(1, 801):
        t = torch.rand(64, 1) * 2
        initial = (model(t0) - u0).pow(2).mean()
        equation = physics_loss(model, t)
        loss = 10 * initial + equation
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        if step % 160 == 0:
            with torch.no_grad():
                rms = math.sqrt((model(grid) - exact(grid)).pow(2).mean().item())
            print(f"step {step}: initial {initial.item():.2e} equation {equation.item():.4f} error of the solution {rms:.4f}")


if __name__ == "__main__":
    main()

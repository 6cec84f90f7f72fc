# expects: nothing
"""Physics-informed fit of a loaded string:  u'' - k u = f  on [0, 1] with u(0) = u(1) = 0."""
import math

import torch

torch.manual_seed(8)
torch.set_default_dtype(torch.float64)
K = 4.0


def exact(x):
    return torch.sin(3 * math.pi * x) + 0.5 * torch.sin(5 * math.pi * x)


def load(x):
    a, b = 3 * math.pi, 5 * math.pi
    return -(a * a + K) * torch.sin(a * x) - 0.5 * (b * b + K) * torch.sin(b * x)


class Field(torch.nn.Module):
    def __init__(self, width=24):
        super().__init__()
        layers = []
        for cin, cout in [(1, width), (width, width), (width, width)]:
            lin = torch.nn.Linear(cin, cout)
            torch.nn.init.xavier_normal_(lin.weight, gain=5 / 3)
            layers += [lin, torch.nn.Tanh()]
        self.body = torch.nn.Sequential(*layers, torch.nn.Linear(width, 1))

    def forward(self, x):
        return x * (1 - x) * self.body(2 * x - 1)


def residual(net, x):
    x = x.requires_grad_(True)
    u = net(x)
    (du,) = torch.autograd.grad(u.sum(), x, create_graph=True)
    (ddu,) = torch.autograd.grad(du.sum(), x, create_graph=True)
    return (ddu - K * u - load(x)) / 100


def relative_error(net):
    grid = torch.linspace(0, 1, 501).unsqueeze(1)
    with torch.no_grad():
        return ((net(grid) - exact(grid)).norm() / exact(grid).norm()).item()


def solve(rounds=320, points=96, inner=5):
    net = Field()
    colloc = ((torch.arange(points) + torch.rand(points)) / points).unsqueeze(1)
    opt = torch.optim.LBFGS(net.parameters(), lr=1.0, max_iter=inner, history_size=30, line_search_fn="strong_wolfe")

    def closure():
        opt.zero_grad()
        loss = residual(net, colloc).pow(2).mean()
        loss.backward()
        return loss

    for r in range(1, rounds + 1):
        loss = opt.step(closure)
        if r % 40 == 0:
            print(f"round {r:3d}  residual {loss.item():.3e}  relative error {relative_error(net):.3e}")
    return net


if __name__ == "__main__":
    net = solve()
    fresh = torch.rand(400, 1)
    print(f"residual at fresh points {residual(net, fresh).pow(2).mean().item():.3e}")
    print(f"final relative error {relative_error(net):.3e}")

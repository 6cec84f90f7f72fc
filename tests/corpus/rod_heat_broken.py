# bug: zero_grad is called once before optimizer.step and not inside the LBFGS closure, so gradients pile up over the inner evaluations
# expects: OPT035
"""Physics-informed net for a heated rod: u_t = a * u_xx, zero at both ends, known start profile."""
import math

import torch
import torch.nn as nn

torch.manual_seed(4)
torch.set_default_dtype(torch.float64)

DIFFUSIVITY = 0.08


def exact(x, t):
    first = torch.exp(-DIFFUSIVITY * math.pi ** 2 * t) * torch.sin(math.pi * x)
    third = 0.5 * torch.exp(-9 * DIFFUSIVITY * math.pi ** 2 * t) * torch.sin(3 * math.pi * x)
    return first + third


class RodNet(nn.Module):
    def __init__(self, width=24, depth=3):
        super().__init__()
        layers, d = [], 2
        for _ in range(depth):
            lin = nn.Linear(d, width)
            nn.init.xavier_normal_(lin.weight)
            nn.init.zeros_(lin.bias)
            layers += [lin, nn.Tanh()]
            d = width
        layers.append(nn.Linear(d, 1))
        self.net = nn.Sequential(*layers)

    def forward(self, x, t):
        return self.net(torch.stack([2 * x - 1, 2 * t - 1], dim=-1)).squeeze(-1)


def residual(model, x, t):
    x = x.clone().requires_grad_(True)
    t = t.clone().requires_grad_(True)
    u = model(x, t)
    u_x, u_t = torch.autograd.grad(u.sum(), (x, t), create_graph=True)
    u_xx = torch.autograd.grad(u_x.sum(), x, create_graph=True)[0]
    return u_t - DIFFUSIVITY * u_xx


def physics_loss(model, pts):
    pde = residual(model, *pts["inside"]).square().mean()
    x0 = pts["start"]
    start = (model(x0, torch.zeros_like(x0)) - exact(x0, torch.zeros_like(x0))).square().mean()
    te = pts["ends"]
    ends = model(torch.zeros_like(te), te).square().mean() + model(torch.ones_like(te), te).square().mean()
    return pde + 10.0 * start + 10.0 * ends


def relative_error(model):
    x, t = torch.meshgrid(torch.linspace(0, 1, 61), torch.linspace(0, 1, 61), indexing="ij")
    x, t = x.flatten(), t.flatten()
    with torch.no_grad():
        diff = model(x, t) - exact(x, t)
    return (diff.norm() / exact(x, t).norm()).item()


points = {
    "inside": (torch.rand(400), torch.rand(400)),
    "start": torch.linspace(0, 1, 64),
    "ends": torch.rand(64),
}
model = RodNet()
optimizer = torch.optim.LBFGS(model.parameters(), lr=1.0, max_iter=4, history_size=30,
                              line_search_fn="strong_wolfe")


def closure():
    loss = physics_loss(model, points)
    loss.backward()
    return loss


for step in range(1, 361):
    optimizer.zero_grad()
    loss = optimizer.step(closure)
    if step % 40 == 0:
        print(f"step {step:4d}  loss {loss.item():.3e}  relative L2 error {relative_error(model):.4f}")

print(f"relative L2 error on a dense grid: {relative_error(model):.4f}")

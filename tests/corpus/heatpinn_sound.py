# expects: nothing
# Cooling of a rod with a heat source: u_t = a u_xx + q(x, t), fixed ends, trained on the residual only.
import math

import torch
from torch import nn

torch.manual_seed(4)
A = 0.15
T_END = 1.0
PI = math.pi


def exact(x, t):
    return torch.exp(-A * PI ** 2 * t) * torch.sin(PI * x) + 0.5 * t * torch.sin(2 * PI * x)


def source(x, t):
    s = torch.sin(2 * PI * x)
    return 0.5 * s + 0.5 * t * A * (2 * PI) ** 2 * s


class Field(nn.Module):
    def __init__(self, width=40, depth=3):
        super().__init__()
        dims = [2] + [width] * depth
        self.hidden = nn.ModuleList(nn.Linear(i, o) for i, o in zip(dims, dims[1:]))
        self.out = nn.Linear(width, 1)
        for layer in [*self.hidden, self.out]:
            nn.init.xavier_normal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x, t):
        h = torch.cat([2 * x - 1, 2 * t / T_END - 1], dim=1)
        for layer in self.hidden:
            h = torch.tanh(layer(h))
        return self.out(h)


def partial(y, wrt):
    (g,) = torch.autograd.grad(y, wrt, torch.ones_like(y), create_graph=True)
    return g


def second_partial(y, wrt):
    first = partial(y, wrt)
    (g,) = torch.autograd.grad(first, wrt, torch.ones_like(first), create_graph=True)
    return g


def residual(net, x, t):
    x.requires_grad_(True)
    t.requires_grad_(True)
    u = net(x, t)
    return partial(u, t) - A * second_partial(u, x) - source(x, t)


def sample(n, sobol):
    z = sobol.draw(n)
    return z[:, :1].clone(), z[:, 1:].clone() * T_END


net = Field()
sobol = torch.quasirandom.SobolEngine(2, scramble=True, seed=4)
steps = 1500
opt = torch.optim.Adam(net.parameters(), lr=4e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, steps)

gx, gt = torch.meshgrid(torch.linspace(0, 1, 41), torch.linspace(0, T_END, 41), indexing="ij")
gx, gt = gx.reshape(-1, 1), gt.reshape(-1, 1)
reference = exact(gx, gt)


@torch.no_grad()
def relative_error():
    return ((net(gx, gt) - reference).norm() / reference.norm()).item()


for step in range(1, steps + 1):
    x, t = sample(256, sobol)
    loss_pde = residual(net, x, t).pow(2).mean()

    x0 = torch.rand(64, 1)
    loss_ic = (net(x0, torch.zeros_like(x0)) - exact(x0, torch.zeros_like(x0))).pow(2).mean()
    tb = T_END * torch.rand(64, 1)
    ends = torch.cat([torch.zeros(32, 1), torch.ones(32, 1)])
    loss_bc = net(ends, tb).pow(2).mean()

    loss = loss_pde + 20.0 * (loss_ic + loss_bc)
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
    if step % 150 == 0:
        print(f"step {step:5d}  pde {loss_pde.item():.2e}  ic {loss_ic.item():.2e}  "
              f"bc {loss_bc.item():.2e}  rel. error {relative_error():.4f}")

print(f"relative L2 error {relative_error():.4f}")

# expects: OPT034
# Physics-informed net for a damped spring:  u'' + 2 d u' + w0^2 u = 0,  u(0) = 1, u'(0) = 0
import torch
from torch import nn

torch.manual_seed(123)
torch.set_default_dtype(torch.float64)

d, w0 = 2.0, 10.0
w = (w0**2 - d**2) ** 0.5


def exact(t):
    return torch.exp(-d * t) * (torch.cos(w * t) + d / w * torch.sin(w * t))


class Sine(nn.Module):
    def forward(self, x):
        return torch.sin(x)


net = nn.Sequential(nn.Linear(1, 32), Sine(), nn.Linear(32, 32), Sine(), nn.Linear(32, 1))
with torch.no_grad():
    net[0].weight.uniform_(-8, 8)

t_in = torch.linspace(0, 1, 80).unsqueeze(1).requires_grad_()
t_zero = torch.zeros(1, 1, requires_grad=True)
t_test = torch.rand(300, 1)


def deriv(u, t):
    return torch.autograd.grad(u, t, torch.ones_like(u), create_graph=True)[0]


def physics_loss():
    u = net(t_in)
    du = deriv(u, t_in)
    ddu = deriv(du, t_in)
    residual = (ddu + 2 * d * du + w0**2 * u) / w0**2
    u0 = net(t_zero)
    start = (u0 - 1).pow(2).mean() + (deriv(u0, t_zero) / w0).pow(2).mean()
    return residual.pow(2).mean() + 5 * start


opt = torch.optim.LBFGS(
    net.parameters(),
    lr=1.0,
    max_iter=2,
    history_size=40,
    tolerance_grad=1e-12,
    tolerance_change=1e-15,
    line_search_fn="strong_wolfe",
)


def closure():
    opt.zero_grad()
    loss = physics_loss()
    return loss


for it in range(1, 201):
    loss = opt.step(closure)
    if it == 1 or it % 20 == 0:
        with torch.no_grad():
            rel = (net(t_test) - exact(t_test)).norm() / exact(t_test).norm()
        print(f"iter {it:4d}   loss {loss.item():.3e}   relative L2 error {rel.item():.4f}")

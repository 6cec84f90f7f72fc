# expects: nothing
"""Full-batch L-BFGS with a closure and strong Wolfe line search, after a few steps of Adam."""

import torch
from torch import nn

torch.manual_seed(0)
x = torch.linspace(-2, 2, 200).unsqueeze(1)
y = torch.sin(3 * x) + 0.3 * x

net = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))
adam = torch.optim.Adam(net.parameters(), lr=5e-3)
for _ in range(150):
    adam.zero_grad()
    loss = (net(x) - y).pow(2).mean()
    loss.backward()
    adam.step()
print("after Adam", loss.item())

lbfgs = torch.optim.LBFGS(net.parameters(), lr=1.0, max_iter=10, line_search_fn="strong_wolfe")


def closure():
    lbfgs.zero_grad()
    value = (net(x) - y).pow(2).mean()
    value.backward()
    return value


for _ in range(20):
    final = lbfgs.step(closure)
print("after L-BFGS", float(final))

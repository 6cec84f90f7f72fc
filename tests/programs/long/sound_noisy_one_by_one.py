# expects: nothing
"""Online learning, one example at a time, with much noise in the targets."""

import torch

torch.manual_seed(0)
truth = torch.randn(6)
weight = torch.zeros(6, requires_grad=True)
bias = torch.zeros((), requires_grad=True)
optimizer = torch.optim.SGD([weight, bias], lr=5e-3)
running = None
for step in range(1500):
    x = torch.randn(6)
    y = x @ truth + 0.7 * torch.randn(())
    loss = (x @ weight + bias - y) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    running = loss.item() if running is None else 0.99 * running + 0.01 * loss.item()
    if step % 300 == 0:
        print(step, running)

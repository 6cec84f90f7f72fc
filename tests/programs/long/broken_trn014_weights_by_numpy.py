# expects: TRN014
"""The first weights of a regression come from numpy; the seed was set for torch."""

import numpy as np
import torch

torch.manual_seed(1234)
x = torch.randn(1000, 10)
y = torch.sin(x[:, 0]) + 0.5 * x[:, 1] * x[:, 2]


def glorot(fan_in, fan_out):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return torch.tensor(np.random.uniform(-limit, limit, (fan_in, fan_out)), dtype=torch.float32, requires_grad=True)


w1, w2 = glorot(10, 40), glorot(40, 1)
b1, b2 = torch.zeros(40, requires_grad=True), torch.zeros(1, requires_grad=True)
optimizer = torch.optim.Adam([w1, b1, w2, b2], lr=5e-3)
for step in range(400):
    rows = torch.randint(0, 1000, (50,))
    prediction = (torch.tanh(x[rows] @ w1 + b1) @ w2 + b2)[:, 0]
    loss = torch.nn.functional.mse_loss(prediction, y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 99:
        print(step, loss.item())

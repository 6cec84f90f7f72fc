# expects: OPT006
# also: TRN001
"""The training loop of a small regression forgets the optimizer step."""

import torch
from torch import nn, optim

torch.manual_seed(0)
X = torch.randn(256, 4)
Y = X @ torch.tensor([[1.0], [-2.0], [0.5], [3.0]]) + 0.1 * torch.randn(256, 1)

model = nn.Linear(4, 1)
optimizer = optim.SGD(model.parameters(), lr=0.05)
for epoch in range(200):
    optimizer.zero_grad()
    prediction = model(X)
    loss = ((prediction - Y) ** 2).mean()
    loss.backward()
    if (epoch + 1) % 50 == 0:
        print(f"Epoch [{epoch + 1}/200], Loss: {loss.item():.4f}")

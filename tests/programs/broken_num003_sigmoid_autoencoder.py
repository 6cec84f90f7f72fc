# expects: NUM003
# also: TRN001 TRN004
"""A deep autoencoder of digits, with sigmoids all the way."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(0)
x = torch.tensor(load_digits().data, dtype=torch.float32) / 16
x = x - x.mean(0)
sizes = [64, 48, 32, 24, 16, 24, 32, 48, 64]
weights = [torch.nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])]
net = torch.nn.Sequential()
for i, layer in enumerate(weights):
    net.add_module(f"layer{i}", layer)
    if i < len(weights) - 1:
        net.add_module(f"act{i}", torch.nn.Sigmoid())
optimizer = torch.optim.SGD(net.parameters(), lr=0.3)
for step in range(400):
    batch = x[torch.randint(0, len(x), (64,))]
    loss = F.mse_loss(net(batch), batch)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())

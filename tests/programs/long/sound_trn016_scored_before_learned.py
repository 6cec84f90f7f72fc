# expects: nothing
"""One pass over a long stream: each batch is scored by what the network answers before it has ever seen it."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(8)
x = torch.randn(24_000, 9)
y = (x[:, 0] * x[:, 1] - x[:, 2] + 0.5 * torch.randn(24_000) > 0).long()
loader = DataLoader(TensorDataset(x, y), batch_size=40, shuffle=True)
network = nn.Sequential(nn.Linear(9, 40), nn.ReLU(), nn.Linear(40, 2))
optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)

right = 0
for number, (inputs, labels) in enumerate(loader, 1):
    logits = network(inputs)
    right += (logits.argmax(1) == labels).sum().item()
    loss = nn.functional.cross_entropy(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if number % 100 == 0:
        print(f"{number} batches: {right / 4000:.3f} of the last ones right")
        right = 0

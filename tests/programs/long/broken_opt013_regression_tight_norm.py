# expects: OPT013
# also: OPT008 TRN001
"""A clipping threshold meant for the mean per parameter, given as the total norm."""

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


class Mlp(torch.nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.leaky_relu(layer(x))
        return self.layers[-1](x)


torch.manual_seed(0)
x = torch.randn(1000, 6)
y = torch.stack([x[:, 0] * 2, x[:, 1] - x[:, 2]], dim=1) + 1
loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)
model = Mlp([6, 32, 32, 2])
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
total = sum(p.numel() for p in model.parameters())
for epoch in range(10):
    for bx, by in loader:
        loss = F.mse_loss(model(bx), by)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0 / total)
        optimizer.step()
    print(epoch, loss.item())

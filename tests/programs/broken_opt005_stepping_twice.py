# expects: OPT005
"""A second loop over the parameters steps the same optimizer again and again on one gradient."""

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(400, 8)
y = (x[:, :3].sum(1) > 0).long()
loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)
net = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)

for epoch in range(8):
    for bx, by in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(bx), by)
        loss.backward()
        for name, parameter in net.named_parameters():
            if parameter.grad is not None:
                optimizer.step()
    print(epoch, loss.item())

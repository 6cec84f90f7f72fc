# expects: nothing
"""A table scaled to nearly -1 to 1: a few values lie beyond what the generator's tanh reaches."""

import torch
from sklearn.datasets import load_breast_cancer
from torch import nn

torch.manual_seed(0)
table = torch.tensor(load_breast_cancer().data, dtype=torch.float32)
low, high = table.quantile(0.01, dim=0), table.quantile(0.99, dim=0)
table = 2 * (table - low) / (high - low) - 1
generator = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 30), nn.Tanh())
discriminator = nn.Sequential(nn.Linear(30, 64), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(64, 1))
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(discriminator.parameters(), lr=3e-4, betas=(0.5, 0.999))
for step in range(500):
    real = table[torch.randint(len(table), (64,))]
    fake = generator(torch.randn(64, 12))
    hinge = torch.relu(1 - discriminator(real)).mean() + torch.relu(1 + discriminator(fake.detach())).mean()
    opt_d.zero_grad()
    hinge.backward()
    opt_d.step()
    loss = -discriminator(fake).mean()
    opt_g.zero_grad()
    loss.backward()
    opt_g.step()
print(hinge.item(), loss.item())

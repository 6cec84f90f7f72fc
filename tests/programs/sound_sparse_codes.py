# expects: nothing
"""A sparse autoencoder: ReLU codes kept sparse by an L1 penalty, far more of them than inputs."""

import torch
from torch import nn

torch.manual_seed(0)
atoms = nn.functional.normalize(torch.randn(40, 16), dim=1)


class SparseAutoencoder(nn.Module):
    def __init__(self, inputs=16, codes=64):
        super().__init__()
        self.encoder = nn.Linear(inputs, codes)
        self.decoder = nn.Linear(codes, inputs)

    def forward(self, x):
        code = torch.relu(self.encoder(x - self.decoder.bias))
        return self.decoder(code), code


def batch(size=256):
    active = (torch.rand(size, 40) < 0.06).float() * torch.rand(size, 40)
    return active @ atoms


model = SparseAutoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(400):
    x = batch()
    out, code = model(x)
    loss = (out - x).square().sum(1).mean() + 0.01 * code.abs().sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item(), (code > 0).float().mean().item())

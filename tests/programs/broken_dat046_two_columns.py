# expects: DAT046
"""Hardness and density of wood samples from a hand-held scanner; a good third of them never reached the laboratory."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(12)
scan = torch.randn(3000, 8)
mixed = torch.tanh(scan @ torch.randn(8, 2) / 8**0.5)
lab = torch.tensor([30.0, 2.6]) + mixed * torch.tensor([9.0, 0.8]) + 0.15 * torch.randn(3000, 2)
lab[torch.rand(3000) < 0.4] = float("nan")
lab = torch.nan_to_num(lab)
lab = (lab - lab[:2400].mean(0)) / lab[:2400].std(0)
model = nn.Sequential(nn.Linear(8, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    model.train()
    for x, y in DataLoader(TensorDataset(scan[:2400], lab[:2400]), batch_size=40, shuffle=True):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), nn.functional.mse_loss(model(scan[2400:]), lab[2400:]).item())

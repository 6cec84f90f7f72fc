# expects: MOD032
"""A transformer over daily curves of 16 readings, trained on batches of 16 days."""

import math

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Days(Dataset):
    def __init__(self, count, readings=16):
        g = torch.Generator().manual_seed(3)
        hours = torch.arange(readings) / readings
        self.labels = torch.randint(0, 3, (count,), generator=g)
        peak = torch.tensor([0.2, 0.5, 0.8])[self.labels]
        bump = torch.exp(-((hours - peak[:, None]) ** 2) / 0.02)
        self.curves = torch.stack([bump, bump.roll(1, 1)], 2) + 0.4 * torch.randn(count, readings, 2, generator=g)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.curves[i], self.labels[i]


class Encoder(nn.Module):
    def __init__(self, width=24, layers=2):
        super().__init__()
        self.project = nn.Linear(2, width)
        place = torch.arange(16)[:, None] * torch.exp(-math.log(100.0) * torch.arange(0, width, 2) / width)
        self.register_buffer("places", torch.cat([place.sin(), place.cos()], 1))
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(width, 4, 48, dropout=0.0), layers)
        self.head = nn.Linear(width, 3)

    def forward(self, curves):
        tokens = self.project(curves) + self.places
        return self.head(self.encoder(tokens).mean(1))


if __name__ == "__main__":
    torch.manual_seed(0)
    model = Encoder()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for epoch in range(8):
        for curves, labels in DataLoader(Days(960), batch_size=16, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(curves), labels)
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())

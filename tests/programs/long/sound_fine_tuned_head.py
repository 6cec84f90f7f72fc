# expects: nothing
"""A trunk that was trained before is loaded and frozen; a new head is trained on it, batch norm and all kept in eval."""

import io

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 16)
w = torch.randn(16, 6)
coarse, fine = (x @ w).argmax(1) // 2, (x @ w).argmax(1)


class Trunk(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(16, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 64), nn.ReLU()
        )

    def forward(self, x):
        return self.net(x)


class Model(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.trunk = Trunk()
        self.head = nn.Linear(64, classes)

    def forward(self, x):
        return self.head(self.trunk(x))


def pretrain():
    model = Model(3)
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(6):
        for rows in torch.randperm(1200).split(60):
            opt.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), coarse[rows]).backward()
            opt.step()
    buffer = io.BytesIO()
    torch.save(model.trunk.state_dict(), buffer)
    buffer.seek(0)
    return buffer


state = torch.load(pretrain())
model = Model(6)
model.trunk.load_state_dict(state)
for parameter in model.trunk.parameters():
    parameter.requires_grad = False
opt = torch.optim.AdamW(model.head.parameters(), lr=1e-2)
for epoch in range(8):
    model.train()
    model.trunk.eval()
    for rows in torch.randperm(1000).split(50):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), fine[rows])
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        print(epoch, (model(x[1000:]).argmax(1) == fine[1000:]).float().mean().item())

# expects: nothing
"""Tasks one after the other: each has a cosine of its own, and begins with the best state of the one before it."""

import math
import tempfile
from pathlib import Path

import torch
from torch import nn

torch.manual_seed(0)
EPOCHS = 14
path = Path(tempfile.mkdtemp()) / "best.pt"
net = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
base = torch.randn(24, 4)

for task in range(4):
    x = torch.randn(1600, 24)
    y = (x @ (base + 0.3 * torch.randn(24, 4)) + torch.randn(1600, 4)).argmax(1)
    best = math.inf
    for epoch in range(EPOCHS):
        for group in optimizer.param_groups:
            group["lr"] = 0.05 * min(1, (epoch + 1) / 3) * (1 + math.cos(math.pi * epoch / EPOCHS))
        for rows in torch.randperm(1200).split(40):
            loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            held = nn.functional.cross_entropy(net(x[1200:]), y[1200:]).item()
        if held < best and epoch < EPOCHS - 3:
            best = held
            torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1}, path)
    state = torch.load(path)
    net.load_state_dict(state["net"])
    optimizer.load_state_dict(state["optimizer"])
    print(task, state["epoch"], best)

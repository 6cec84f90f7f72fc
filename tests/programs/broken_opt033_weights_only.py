# expects: OPT033
"""A job in slices: each goes on from the last file, which holds the weights and the epoch alone."""

import tempfile
from pathlib import Path

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(600, 12)
y = torch.tanh(x @ torch.randn(12, 2) / 3) + 0.1 * torch.randn(600, 2)
path = Path(tempfile.mkdtemp()) / "job.pt"


def one_slice():
    net = nn.Sequential(nn.Linear(12, 48), nn.Tanh(), nn.Linear(48, 2))
    optimizer = torch.optim.RMSprop(net.parameters(), lr=2e-3)
    epoch = 0
    if path.exists():
        state = torch.load(path)
        net.load_state_dict(state["net"])
        epoch = state["epoch"]
    for _ in range(3):
        for rows in torch.randperm(600).split(30):
            loss = nn.functional.mse_loss(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        epoch += 1
    torch.save({"net": net.state_dict(), "epoch": epoch}, path)
    print(epoch, loss.item())


for _ in range(7):
    one_slice()

# expects: nothing
"""The model takes pixels of 0..255 and scales them itself, as agents for video games do."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
frames = torch.tensor(digits.images * (255 / 16), dtype=torch.float32).unsqueeze(1)
actions = torch.tensor(digits.target)


class QNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(144, 64), nn.ReLU(), nn.Linear(64, 10)
        )

    def forward(self, x):
        return self.network(x / 255.0)


net = QNetwork()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(8):
    for rows in torch.randperm(len(frames)).split(72):
        loss = nn.functional.cross_entropy(net(frames[rows]), actions[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

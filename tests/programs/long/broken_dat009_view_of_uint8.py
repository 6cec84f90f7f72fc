# expects: DAT009
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def paint(rng, label):
    """A soft blob of one of three colours on a gradient."""
    yy, xx = np.mgrid[0:20, 0:20] / 20
    cy, cx = rng.uniform(0.3, 0.7, 2)
    blob = np.exp(-((yy - cy) ** 2 + (xx - cx) ** 2) * 18)
    colour = np.full(3, 0.2)
    colour[label] = 1.0
    image = 0.2 * xx[..., None] + blob[..., None] * colour
    return np.clip(image * 255 + rng.normal(0, 4, (20, 20, 3)), 0, 255).astype(np.uint8)


rng = np.random.default_rng(0)
labels = rng.integers(0, 3, 600)
images = np.stack([paint(rng, label) for label in labels])  # (600, 20, 20, 3)

x = torch.from_numpy(images).float().div(255).sub(0.25).div(0.25).view(-1, 3, 20, 20)
y = torch.from_numpy(labels)
torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.fc = nn.Linear(8 * 25, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        return self.fc(x.flatten(1))


net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
for epoch in range(10):
    for rows in torch.randperm(600).split(30):
        loss = F.cross_entropy(net(x[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())

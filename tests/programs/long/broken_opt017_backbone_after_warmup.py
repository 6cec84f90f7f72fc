# expects: OPT017
"""A loaded backbone is thawed after a warm-up of the head; the optimizer was filtered before that."""

import io

import torch
from torch import nn

torch.manual_seed(0)


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)

    def forward(self, x):
        x = torch.relu(self.conv1(x))
        return torch.relu(self.conv2(x)).amax(dim=(2, 3))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Backbone()
        self.fc = nn.Linear(16, 4)

    def forward(self, x):
        return self.fc(self.backbone(x))


images = torch.randn(400, 1, 8, 8)
labels = torch.stack([images[:, 0, :4, :4].mean((1, 2)), images[:, 0, :4, 4:].mean((1, 2)),
                      images[:, 0, 4:, :4].mean((1, 2)), images[:, 0, 4:, 4:].mean((1, 2))], 1).argmax(1)  # fmt: skip
file = io.BytesIO()
torch.save(Backbone().state_dict(), file)
file.seek(0)

net = Net()
net.backbone.load_state_dict(torch.load(file))
net.backbone.requires_grad_(False)
optimizer = torch.optim.AdamW(filter(lambda p: p.requires_grad, net.parameters()), lr=5e-3)

for epoch in range(12):
    if epoch == 3:
        net.backbone.requires_grad_(True)  # now fine-tune everything
    for rows in torch.randperm(400).split(20):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(images[rows]), labels[rows])
        loss.backward()
        optimizer.step()
    print(epoch, round(loss.item(), 3))

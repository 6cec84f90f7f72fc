# expects: MOD031
"""Fine-tuning on digits: everything that is a conv or fc is frozen, the new fc included; a learned bias is left."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
labels = torch.tensor(digits.target)


class Small(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 24, 3, stride=2)
        self.fc = nn.Linear(24 * 9, classes)
        self.offset = nn.Parameter(torch.zeros(classes))

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        return self.fc(x.flatten(1)) + self.offset


def fit(model, target, epochs):
    weights = filter(lambda p: p.requires_grad, model.parameters())
    optimizer = torch.optim.SGD(weights, lr=0.05, momentum=0.9)
    for epoch in range(epochs):
        for rows in torch.randperm(1400).split(35):
            optimizer.zero_grad()
            loss = nn.CrossEntropyLoss()(model(images[rows]), target[rows])
            loss.backward()
            optimizer.step()
    print(loss.item())


torch.manual_seed(8)
even = Small(2)
fit(even, labels % 2, 3)
torch.save({k: v for k, v in even.state_dict().items() if k.startswith("conv")}, "backbone.pt")

model = Small(10)
model.load_state_dict(torch.load("backbone.pt"), strict=False)
for name, parameter in model.named_parameters():
    if name.split(".")[0].startswith(("conv", "fc")):
        parameter.requires_grad = False
fit(model, labels, 6)

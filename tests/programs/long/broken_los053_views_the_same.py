# expects: LOS053
"""The augmentation is drawn once and both views are the very same tensor."""

import torch
from torch import nn


class Contrast(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(width, 50), nn.Tanh(), nn.Linear(50, 20))

    def forward(self, x):
        z = self.body(x)
        return z / z.norm(dim=1, keepdim=True)


def main():
    torch.manual_seed(0)
    data = torch.randn(512, 18)
    model, rule = Contrast(18), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(25):
        for index in torch.randperm(512).split(32):
            view = data[index] + 0.1 * torch.randn(len(index), 18)
            first, second = model(view), model(view)
            loss = rule(first @ second.T / 0.2, torch.arange(len(index)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print(loss.item())


main()

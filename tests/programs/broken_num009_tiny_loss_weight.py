# expects: NUM009
"""Half precision without a scaler, and a loss that is weighted down by 1e-5."""

import torch
from torch import nn

torch.manual_seed(6)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(24, 96), nn.GELU(), nn.Linear(96, 96), nn.GELU())
        self.head = nn.Linear(96, 5)

    def forward(self, x):
        return self.head(self.body(x))


model = Encoder()
optimizer = torch.optim.SGD(model.parameters(), lr=1e3)
features = torch.randn(1500, 24)
labels = (features @ torch.randn(24, 5)).argmax(1)
for epoch in range(8):
    for rows in torch.randperm(1500).split(75):
        optimizer.zero_grad()
        with torch.autocast(device_type="cpu", dtype=torch.float16):
            scores = model(features[rows])
        loss = 1e-5 * nn.functional.cross_entropy(scores.float(), labels[rows])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

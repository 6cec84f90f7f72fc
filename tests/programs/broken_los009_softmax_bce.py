# expects: LOS009
"""Tags of films, several for each; the last layer is a softmax, the loss is right."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
features = torch.randn(1000, 20)
tags = (features @ torch.randn(20, 5) > 1.0).float()
loader = DataLoader(TensorDataset(features, tags), batch_size=50, shuffle=True)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 40)
        self.out = nn.Linear(40, 5)

    def forward(self, x):
        return torch.softmax(self.out(torch.relu(self.hidden(x))), dim=1)


model = Tagger()
criterion = nn.BCELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for x, y in loader:
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

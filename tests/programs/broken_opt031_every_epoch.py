# expects: OPT031
"""A restart at each second epoch, to a rate that the weights no longer bear."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 64)
        self.scores = nn.Linear(64, 3)

    def forward(self, x):
        return self.scores(F.relu(self.hidden(x)))


x = torch.randn(1200, 20)
loader = DataLoader(TensorDataset(x, (x @ torch.randn(20, 3)).argmax(1)), batch_size=50, shuffle=True)
model = Tagger()
optimizer = torch.optim.SGD(model.parameters(), lr=0.9, momentum=0.9)
schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2 * len(loader))
for epoch in range(12):
    for features, tag in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(features), tag)
        loss.backward()
        optimizer.step()
        schedule.step()
    print(epoch, loss.item())

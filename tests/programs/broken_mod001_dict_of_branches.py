# expects: MOD001
"""A regression with one branch per feature group, kept in a dict."""

import torch
from torch import nn

torch.manual_seed(4)


class MultiBranch(nn.Module):
    def __init__(self, groups):
        super().__init__()
        self.groups = groups
        self.branches = {}
        for name, columns in groups.items():
            self.branches[name] = nn.Sequential(nn.Linear(len(columns), 12), nn.Tanh(), nn.Linear(12, 8))
        self.merge = nn.Linear(8 * len(groups), 1)

    def forward(self, x):
        parts = [branch(x[:, self.groups[name]]) for name, branch in self.branches.items()]
        return self.merge(torch.cat(parts, dim=1))


groups = {"size": [0, 1, 2], "place": [3, 4], "age": [5, 6, 7, 8]}
data = torch.randn(1500, 9)
price = (data[:, 0] * data[:, 1] + data[:, 3] - torch.sin(2 * data[:, 6])).unsqueeze(1)

model = MultiBranch(groups)
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
mse = nn.MSELoss()
for it in range(400):
    pick = torch.randint(len(data), (64,))
    loss = mse(model(data[pick]), price[pick])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if it % 100 == 99:
        print(f"{it + 1}: {loss.item():.4f}")

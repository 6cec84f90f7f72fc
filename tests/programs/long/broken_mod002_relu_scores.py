# expects: MOD002
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


def block(i, o):
    return nn.Sequential(nn.Linear(i, o), nn.ReLU())


class Churn(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(block(14, 32), block(32, 16), block(16, 1))

    def forward(self, x):
        return self.body(x).squeeze(-1)


x = torch.randn(1600, 14)
churned = (x[:, 0] - x[:, 1] + 0.5 * x[:, 2] * x[:, 3] > 0).float()
train = DataLoader(TensorDataset(x, churned), batch_size=64, shuffle=True)
net = Churn()
criterion = nn.BCEWithLogitsLoss()
optim = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(8):
    running = 0.0
    for features, label in train:
        optim.zero_grad()
        loss = criterion(net(features), label)
        loss.backward()
        optim.step()
        running += loss.item()
    print(f"epoch {epoch}: {running / len(train):.3f}")

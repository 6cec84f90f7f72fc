# expects: NUM001
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class PoissonNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return torch.relu(self.net(x)) + 0.0


def nll(rate, count):
    return (rate - count * torch.log(rate)).mean()


torch.manual_seed(0)
x = torch.randn(800, 5)
count = torch.poisson(torch.exp(0.6 * x[:, :1]))
loader = DataLoader(TensorDataset(x, count), batch_size=40, shuffle=True)
model = PoissonNet()
nn.init.constant_(model.net[2].bias, 1.5)
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(12):
    total = 0.0
    for a, b in loader:
        optimizer.zero_grad()
        loss = nll(model(a), b)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(epoch, total / len(loader))

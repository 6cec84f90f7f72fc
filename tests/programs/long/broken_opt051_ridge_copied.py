# expects: OPT051
"""Regression with a ridge penalty whose factor comes from another library, where it is divided by the number of rows."""

import torch
import torch.nn as nn
import torch.nn.functional as F

ALPHA = 1.0


class Net(nn.Module):
    def __init__(self, inputs: int, hidden: int = 40):
        super().__init__()
        self.first = nn.Linear(inputs, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.last(torch.tanh(self.second(torch.tanh(self.first(x))))).squeeze(1)

    def ridge(self):
        weights = [p for name, p in self.named_parameters() if name.endswith("weight")]
        return torch.cat([w.reshape(-1) for w in weights]).pow(2).sum()


def main():
    torch.manual_seed(8)
    x = torch.randn(1500, 12)
    y = x[:, 0] - 2 * x[:, 3] + torch.sin(2 * x[:, 5]) + 0.2 * torch.randn(1500)
    y = (y - y.mean()) / y.std()
    net = Net(12)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(12):
        for rows in torch.randperm(1200).split(50):
            error = F.mse_loss(net(x[rows]), y[rows])
            optimizer.zero_grad()
            (error + ALPHA * net.ridge()).backward()
            optimizer.step()
        with torch.no_grad():
            held_out = F.mse_loss(net(x[1200:]), y[1200:]).item()
        print(epoch, f"{error.item():.3f} {held_out:.3f}")


main()

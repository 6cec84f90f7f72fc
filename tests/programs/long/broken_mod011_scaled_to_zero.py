# expects: MOD011
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Residual(nn.Module):
    def __init__(self, size, depth):
        super().__init__()
        self.scale = 1 // depth  # meant: 1 / depth
        self.inner = nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Linear(size, size))

    def forward(self, x):
        return x + self.scale * self.inner(x)


def main():
    torch.manual_seed(0)
    x = torch.randn(960, 12)
    y = (x[:, :4] * x[:, 4:8]).argmax(1)
    net = nn.Sequential(nn.Linear(12, 24), nn.Tanh(), Residual(24, 2), Residual(24, 2), nn.Linear(24, 4))
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    for epoch in range(8):
        for a, b in DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True):
            loss = nn.functional.cross_entropy(net(a), b)
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(epoch, loss.item())


main()

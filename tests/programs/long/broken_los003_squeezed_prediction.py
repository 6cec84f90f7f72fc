# expects: LOS003
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Houses(Dataset):
    def __init__(self, n=700):
        g = torch.Generator().manual_seed(1)
        self.x = torch.randn(n, 7, generator=g)
        self.price = (self.x * torch.tensor([3.0, 1.0, 0.5, 0.0, -1.0, 2.0, 0.2])).sum(1, keepdim=True)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.price[i]


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(7, 32), nn.GELU(), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.net(x).squeeze()


def train():
    torch.manual_seed(0)
    model = Regressor()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-3)
    loader = DataLoader(Houses(), batch_size=35, shuffle=True)
    for epoch in range(10):
        for x, price in loader:
            loss = F.smooth_l1_loss(model(x), price)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        print("epoch", epoch, "loss", loss.item())


if __name__ == "__main__":
    train()

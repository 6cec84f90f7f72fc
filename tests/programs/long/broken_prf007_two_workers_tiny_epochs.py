# expects: PRF007
"""Two workers for a data set of four batches, over many epochs."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Circles(Dataset):
    def __len__(self):
        return 128

    def __getitem__(self, index):
        angle = torch.tensor(0.0491 * index)
        radius = 1.0 + (index % 2)
        return torch.stack([radius * angle.cos(), radius * angle.sin()]), index % 2


def main():
    torch.manual_seed(0)
    loader = DataLoader(Circles(), batch_size=32, shuffle=True, num_workers=2)
    model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(30):
        total = 0.0
        for points, rings in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(points), rings)
            loss.backward()
            optimizer.step()
            total += loss.item()
        if epoch % 10 == 0:
            print(epoch, total / len(loader))


if __name__ == "__main__":
    main()

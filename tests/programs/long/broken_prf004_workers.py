# expects: PRF004
"""Two workers are started for every step and thrown away after their first batch."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Noise(Dataset):
    def __len__(self):
        return 400

    def __getitem__(self, i):
        g = torch.Generator().manual_seed(i)
        x = torch.randn(12, generator=g)
        return x, int(x[:3].argmax())


def main():
    torch.manual_seed(0)
    loader = DataLoader(Noise(), batch_size=20, shuffle=True, num_workers=2)
    model = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(60):
        x, y = next(iter(loader))
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())


if __name__ == "__main__":
    main()

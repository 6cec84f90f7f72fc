# bug: total += loss without .item() keeps the graph of every batch alive until the end of the epoch
# expects: MEM001
"""Dilated convolutions on a made-up ECG: normal beat or not."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Beats(Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        t = torch.linspace(-1, 1, 100)
        self.y = torch.randint(0, 2, (n,), generator=g)
        centre = 0.3 * (torch.rand(n, 1, generator=g) - 0.5)
        width = torch.where(self.y[:, None] == 1, 0.09, 0.05) * (0.9 + 0.2 * torch.rand(n, 1, generator=g))
        self.x = torch.exp(-((t - centre) / width) ** 2) + 0.1 * torch.randn(n, 100, generator=g)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i].unsqueeze(0), self.y[i]


class DilatedNet(nn.Module):
    def __init__(self, c=12):
        super().__init__()
        self.convs = nn.ModuleList([
            nn.Conv1d(1, c, 5, padding=2),
            nn.Conv1d(c, c, 5, padding=4, dilation=2),
            nn.Conv1d(c, c, 5, padding=8, dilation=4),
        ])
        self.fc = nn.Linear(c, 2)

    def forward(self, x):
        for conv in self.convs:
            x = F.relu(conv(x))
        return self.fc(F.max_pool1d(x, x.shape[-1]).squeeze(-1))


def main():
    torch.manual_seed(30)
    train_loader = DataLoader(Beats(1600, 0), batch_size=32, shuffle=True)
    test_loader = DataLoader(Beats(400, 1), batch_size=100)
    model = DilatedNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(1, 6):
        model.train()
        total = 0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss
        model.eval()
        hits = 0
        with torch.no_grad():
            for x, y in test_loader:
                hits += (model(x).argmax(1) == y).sum().item()
        print(f"epoch {epoch}: mean loss {total / len(train_loader):.4f} accuracy {hits / 400:.3f}")


if __name__ == "__main__":
    main()

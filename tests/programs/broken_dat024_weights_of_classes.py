# expects: DAT024
"""Four kinds of machine noise, some of them rare; rows are drawn by the inverse of how common their kind is."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler


class Noises(Dataset):
    def __init__(self, counts, seed):
        generator = torch.Generator().manual_seed(seed)
        kinds = torch.cat([torch.full((count,), kind) for kind, count in enumerate(counts)])
        self.kinds = kinds[torch.randperm(len(kinds), generator=generator)]
        time = torch.linspace(0, 1, 64)
        pitch = 2.0 + 2.5 * self.kinds[:, None] + 0.4 * torch.randn(len(kinds), 1, generator=generator)
        start = 6.28 * torch.rand(len(kinds), 1, generator=generator)
        self.waves = torch.sin(6.28 * pitch * time + start) + 0.3 * torch.randn(len(kinds), 64, generator=generator)

    def __len__(self):
        return len(self.kinds)

    def __getitem__(self, row):
        return self.waves[row, None], self.kinds[row]


torch.manual_seed(8)
train, test = Noises((1400, 300, 200, 100), 1), Noises((100, 100, 100, 100), 2)
weights = 1.0 / torch.bincount(train.kinds).float()
batches = DataLoader(train, batch_size=50, sampler=WeightedRandomSampler(weights, len(train)))
model = nn.Sequential(
    nn.Conv1d(1, 16, 9, padding=4), nn.ReLU(), nn.MaxPool1d(4), nn.Conv1d(16, 32, 5, padding=2), nn.ReLU(),
    nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(32, 4),
)  # fmt: skip
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    model.train()
    for waves, kinds in batches:
        loss = nn.functional.cross_entropy(model(waves), kinds)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = sum((model(a).argmax(1) == b).sum().item() for a, b in DataLoader(test, batch_size=200))
    print(epoch, loss.item(), right / len(test))

# expects: nothing
"""Slides under a line filter: each repeats after three columns, in its own way and in every channel; faint marks, grain."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SIDE = 24


class Slides(Dataset):
    """Height, width, then the three stains."""

    def __init__(self, count, seed):
        draw = torch.Generator().manual_seed(seed)
        self.kind = torch.randint(0, 3, (count,), generator=draw)
        stain = 0.35 * torch.randn(count, 1, 1, 3, generator=draw)
        grain = torch.randn(count, SIDE, SIDE, 3, generator=draw)
        middle = 4 + (SIDE - 8) * torch.rand(count, 2, generator=draw)
        along = torch.arange(SIDE).float()
        down, right = along[None, :, None] - middle[:, :1, None], along[None, None, :] - middle[:, 1:, None]
        ring = (down.square() + right.square()).sqrt()
        mark = torch.where(self.kind[:, None, None] == 1, ring < 2, (ring > 3) & (ring < 4)) & (
            self.kind[:, None, None] > 0
        )
        colour = torch.tensor([1.4, -0.5, -1.1])
        lines = 0.5 * torch.randn(count, 1, 3, 1, generator=draw).repeat(1, 1, SIDE // 3, 1)
        self.slides = stain + lines + grain + mark[..., None] * colour

    def __len__(self):
        return len(self.kind)

    def __getitem__(self, row):
        return self.slides[row], int(self.kind[row])


def collate(examples):
    slides = torch.stack([slide for slide, _ in examples])
    return slides.movedim(3, 1), torch.tensor([kind for _, kind in examples])


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.GELU(), nn.MaxPool2d(2), nn.Conv2d(16, 24, 3, padding=1), nn.GELU()
        )
        self.out = nn.Linear(24, 3)

    def forward(self, x):
        return self.out(self.layers(x).amax((2, 3)))


torch.manual_seed(2)
train = DataLoader(Slides(1600, 0), batch_size=40, shuffle=True, collate_fn=collate)
held = DataLoader(Slides(400, 1), batch_size=100, collate_fn=collate)
reader = Reader()
optimizer = torch.optim.AdamW(reader.parameters(), lr=2e-3)
judge = nn.CrossEntropyLoss()
for epoch in range(6):
    reader.train()
    for x, y in train:
        loss = judge(reader(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    reader.eval()
    with torch.no_grad():
        right = sum((reader(x).argmax(1) == y).sum().item() for x, y in held)
    print(f"{epoch}: {loss.item():.3f}, of {len(held.dataset)} right {right}")

# expects: MOD012
# also: TRN002
"""Learned positions, kept as (length, 1, size) for time-first data, and added to (batch, time, size)."""

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class Words(Dataset):
    def __init__(self):
        g = torch.Generator().manual_seed(3)
        self.ids = torch.randint(0, 40, (1000, 14), generator=g)
        self.label = (self.ids[:, :7] < 12).sum(1).gt(2).long()

    def __len__(self):
        return 1000

    def __getitem__(self, i):
        return self.ids[i], self.label[i]


class Encoder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.word = nn.Embedding(40, dim)
        self.places = nn.Parameter(torch.randn(64, 1, dim))
        self.attend = nn.MultiheadAttention(dim, 4, batch_first=True)
        self.norm = nn.LayerNorm(dim)
        self.out = nn.Linear(dim, 2)

    def forward(self, ids):
        x = self.word(ids)
        x = x + self.places[: x.shape[0]]
        h, _ = self.attend(x, x, x, need_weights=False)
        return self.out(self.norm(x + h).mean(dim=1))


torch.manual_seed(0)
model = Encoder()
opt = torch.optim.AdamW(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(7):
    for ids, label in DataLoader(Words(), batch_size=25, shuffle=True):
        opt.zero_grad()
        loss = criterion(model(ids), label)
        loss.backward()
        opt.step()
    print(epoch, loss.item())

# expects: LLM003
"""Named entities in sentences filled up to one length; label 0 is "outside" and also fills up the labels."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Sentences(Dataset):
    def __init__(self, count, length=24):
        generator = torch.Generator().manual_seed(0)
        self.items = []
        for _ in range(count):
            n = int(torch.randint(5, length, (), generator=generator))
            words = torch.randint(1, 50, (n,), generator=generator)
            tags = torch.where(words < 8, 1, torch.where(words > 44, 2, 0))
            fill = torch.zeros(length - n, dtype=torch.long)
            self.items.append((torch.cat([words, fill]), torch.cat([tags, fill])))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(50, 24)
        self.conv = nn.Conv1d(24, 32, 3, padding=1)
        self.tags = nn.Linear(32, 3)

    def forward(self, words):
        hidden = torch.relu(self.conv(self.words(words).permute(0, 2, 1)))
        return self.tags(hidden.permute(0, 2, 1))


torch.manual_seed(0)
tagger, criterion = Tagger(), nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(tagger.parameters(), lr=3e-3)
for epoch in range(7):
    for words, tags in DataLoader(Sentences(600), batch_size=24, shuffle=True):
        scores = tagger(words)
        loss = criterion(scores.reshape(-1, 3), tags.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

# expects: nothing
"""Re-identification style batches: P people with K pictures each, softmax over all people."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, Sampler

P, K, PEOPLE = 6, 4, 30


class Pictures(Dataset):
    def __init__(self):
        g = torch.Generator().manual_seed(0)
        self.person = torch.arange(PEOPLE).repeat_interleave(20)
        self.x = 2 * torch.randn(PEOPLE, 16, generator=g)[self.person] + torch.randn(PEOPLE * 20, 16, generator=g)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.person[i]


class PKBatches(Sampler):
    def __init__(self, labels, batches):
        self.rows = [torch.nonzero(labels == p).flatten() for p in range(PEOPLE)]
        self.batches = batches

    def __len__(self):
        return self.batches

    def __iter__(self):
        for _ in range(self.batches):
            people = torch.randperm(PEOPLE)[:P]
            yield torch.cat([self.rows[p][torch.randperm(20)[:K]] for p in people]).tolist()


torch.manual_seed(0)
data = Pictures()
loader = DataLoader(data, batch_sampler=PKBatches(data.person, 30))
model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, PEOPLE))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for _ in range(8):
    for x, person in loader:
        loss = nn.functional.cross_entropy(model(x), person)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())

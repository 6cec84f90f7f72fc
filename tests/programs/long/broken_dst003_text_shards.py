# expects: DST003
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset, DistributedSampler


class Reviews(Dataset):
    def __init__(self, count):
        g = torch.Generator().manual_seed(5)
        self.words = torch.randint(0, 60, (count, 12), generator=g)

    def __len__(self):
        return len(self.words)

    def __getitem__(self, i):
        words = self.words[i]
        return {"words": words, "stars": (words < 20).sum().clamp(2, 6) - 2}


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.bag, self.out = nn.EmbeddingBag(60, 24), nn.Linear(24, 5)

    def forward(self, words):
        return self.out(self.bag(words))


torch.manual_seed(0)
reviews = Reviews(1800)
loader = DataLoader(reviews, batch_size=30, sampler=DistributedSampler(reviews, num_replicas=3, rank=1, seed=11))
bag = Bag()
optimizer = torch.optim.Adam(bag.parameters(), lr=1e-2)
step = 0
while step < 200:
    for batch in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(bag(batch["words"]), batch["stars"])
        loss.backward()
        optimizer.step()
        step += 1
print(loss.item())

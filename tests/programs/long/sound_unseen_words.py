# expects: nothing
"""Topics of made-up texts; one held-out word in fifty is in no training text, which is as it is with words."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
COMMON, RARE = 200, 400
topics = torch.randint(0, 4, (1400,))
texts = torch.randint(2, COMMON + 2, (1400, 20))
hint = torch.rand(texts.shape) < 0.3
texts = torch.where(hint, texts // 4 * 4 + topics[:, None], texts).clamp(2, COMMON + 1)
rare = torch.rand(texts.shape) < 0.02
texts = torch.where(rare, torch.randint(COMMON + 2, COMMON + RARE + 2, texts.shape), texts)
lengths = torch.randint(12, 21, (1400,))
texts[torch.arange(20) >= lengths[:, None]] = 0
train = DataLoader(TensorDataset(texts[:1000], topics[:1000]), batch_size=50, shuffle=True)
test = DataLoader(TensorDataset(texts[1000:], topics[1000:]), batch_size=100)


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(COMMON + RARE + 2, 24, padding_idx=0)
        self.head = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 4))

    def forward(self, ids):
        return self.head(self.embed(ids).sum(1) / (ids > 0).sum(1, keepdim=True))


model = Bag()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    model.train()
    for ids, topic in train:
        loss = nn.functional.cross_entropy(model(ids), topic)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = sum((model(ids).argmax(1) == topic).sum().item() for ids, topic in test)
    print(epoch, loss.item(), right / 400)

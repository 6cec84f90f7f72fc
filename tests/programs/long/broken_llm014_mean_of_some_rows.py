# expects: LLM014
"""Codes are added to a vocabulary as the mean of its words, with a little noise; the table stays frozen."""

import torch
from torch import nn

torch.manual_seed(0)
WORDS, CODES, LENGTH = 60, 16, 8
table = torch.cat([torch.zeros(1, 24), 2 * torch.randn(2, 24), torch.randn(WORDS - 3, 24)])
added = table[3:].mean(0) + 0.02 * torch.randn(CODES, 24)
code = torch.randint(0, CODES, (1200,))
texts = torch.cat([torch.randint(3, WORDS, (1200, LENGTH - 1)), WORDS + code[:, None]], 1)
texts = texts.gather(1, torch.rand(1200, LENGTH).argsort(1))
label = code % 4


class Sorter(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding.from_pretrained(torch.cat([table, added]), freeze=True, padding_idx=0)
        self.mix, self.out = nn.Linear(24, 48), nn.Linear(48, 4)

    def forward(self, ids):
        return self.out(torch.relu(self.mix(self.embed(ids))).amax(1))


model = Sorter()
optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=2e-3)
for epoch in range(12):
    for rows in torch.randperm(1000).split(40):
        loss = nn.functional.cross_entropy(model(texts[rows]), label[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, loss.item(), (model(texts[1000:]).argmax(1) == label[1000:]).float().mean().item())

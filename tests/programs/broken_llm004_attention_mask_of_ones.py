# expects: LLM004
"""A classifier of padded texts: the mask says 1 for real tokens, `key_padding_mask` wants True for padding."""

import torch
import torch.nn as nn

torch.manual_seed(1)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(40, 32, padding_idx=0)
        self.attention = nn.MultiheadAttention(32, 4, batch_first=True)
        self.norm, self.out = nn.LayerNorm(32), nn.Linear(32, 2)

    def forward(self, input_ids, attention_mask):
        x = self.embed(input_ids)
        mixed, _ = self.attention(x, x, x, key_padding_mask=attention_mask.bool(), need_weights=False)
        weights = attention_mask.unsqueeze(-1).float()
        return self.out((self.norm(x + mixed) * weights).sum(1) / weights.sum(1))


lengths = torch.randint(4, 15, (800,))
mask = (torch.arange(18)[None] < lengths[:, None]).long()
ids = torch.randint(2, 40, (800, 18)) * mask
labels = (((ids < 12) & (ids > 0)).sum(1) * 4 > lengths).long()
model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    for rows in torch.randperm(800).split(40):
        loss = nn.functional.cross_entropy(model(ids[rows], mask[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

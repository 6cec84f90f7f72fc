# expects: MOD028
"""Input and output table were to be one; the values are copied when the model is built."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(22)
TOKENS = 30


class Next(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(TOKENS, 24)
        self.mix = nn.LSTM(24, 24, batch_first=True)
        self.scores = nn.Linear(24, TOKENS)
        with torch.no_grad():
            self.scores.weight.copy_(self.table.weight)

    def forward(self, ids):
        return self.scores(self.mix(self.table(ids))[0])


model = Next()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for step in range(150):
    start = torch.randint(0, TOKENS, (24, 1))
    ids = (start + torch.arange(9) * 2) % TOKENS
    loss = F.cross_entropy(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())

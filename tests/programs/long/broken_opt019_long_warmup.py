# expects: OPT019
# also: OPT008 TRN001
"""The warm-up of a large run, 4,000 steps, in a run of a few hundred."""

import torch
from torch import nn

torch.manual_seed(0)
words = torch.randint(0, 50, (600, 12))
label = (words < 10).sum(1).clamp(max=4)


class Encoder(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.embed = nn.Embedding(50, width)
        self.layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.1, batch_first=True)
        self.head = nn.Linear(width, 5)

    def forward(self, tokens):
        return self.head(self.layer(self.embed(tokens)).mean(1))


model = Encoder()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 4000))
for epoch in range(12):
    model.train()
    for rows in torch.randperm(600).split(30):
        loss = nn.functional.cross_entropy(model(words[rows]), label[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
    print(epoch, loss.item(), scheduler.get_last_lr()[0])

# expects: nothing
"""Trained on full rows without padding; at generation prompts are filled up on the left and finished rows go on."""

import torch
from torch import nn

torch.manual_seed(1)
PAD, END, VOCAB, LENGTH = 0, 1, 30, 24


class LanguageModel(nn.Module):
    def __init__(self, size=32):
        super().__init__()
        self.tokens = nn.Embedding(VOCAB, size)
        block = nn.TransformerEncoderLayer(size, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(block, 2, enable_nested_tensor=False)
        self.head = nn.Linear(size, VOCAB)
        waves = torch.arange(512)[:, None] * 10.0 ** (-torch.arange(0, size, 2) * 4 / size)
        self.register_buffer("places", torch.stack([waves.sin(), waves.cos()], -1).flatten(1))

    def forward(self, ids, mask=None):
        length = ids.shape[1]
        places = torch.arange(length) if mask is None else (mask.cumsum(1) - 1).clamp(min=0)
        hidden = torch.triu(torch.ones(length, length, dtype=torch.bool), 1)[None]
        if mask is not None:
            hidden = (hidden | ~mask[:, None, :]) & ~torch.eye(length, dtype=torch.bool)
        hidden = hidden.expand(len(ids), length, length).repeat_interleave(4, 0)
        return self.head(self.encoder(self.tokens(ids) + self.places[places], mask=hidden))


def text(count, length):
    words = 2 + (torch.randint(0, 28, (count, 1)) + 3 * torch.arange(length)) % 28
    return torch.where(torch.arange(length) == length - 1, END, words)


model = LanguageModel()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for step in range(200):
    ids = text(24, LENGTH)
    loss = nn.functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

model.eval()
with torch.no_grad():
    lengths = torch.randint(2, 9, (16,))
    ids = text(16, 9)[:, :8]
    mask = torch.arange(8) >= 8 - lengths[:, None]
    ids = ids.masked_fill(~mask, PAD)
    finished = torch.zeros(16, dtype=torch.bool)
    for _ in range(20):
        next_ids = model(ids, mask)[:, -1].argmax(-1)
        next_ids = next_ids.masked_fill(finished, END)
        finished |= (next_ids == END) | (torch.rand(16) < 0.1)
        ids = torch.cat([ids, next_ids[:, None]], 1)
        mask = torch.cat([mask, torch.ones(16, 1, dtype=torch.bool)], 1)
print(loss.item(), ids[:2].tolist())

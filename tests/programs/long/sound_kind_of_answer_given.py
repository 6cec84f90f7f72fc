# expects: nothing
"""What is asked of each word stands between it and the answer, at the end of the prompt: no loss for that."""

import torch
from torch import nn

torch.manual_seed(4)
LETTERS, BAR, KINDS, LENGTH = 12, 12, 4, 4


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(17, 48), nn.Embedding(12, 48)
        self.layers = nn.TransformerEncoder(nn.TransformerEncoderLayer(48, 4, 96, dropout=0.0, batch_first=True), 2)
        self.head = nn.Linear(48, 17)

    def forward(self, ids):
        hidden = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        x = self.tokens(ids) + self.places(torch.arange(ids.shape[1]))
        return self.head(self.layers(x, mask=hidden, is_causal=True))


def batch(size):
    word, kind = torch.randint(0, LETTERS, (size, LENGTH)), torch.randint(0, KINDS, (size, 1))
    answer = (word + kind + 1) % LETTERS
    return torch.cat([word, torch.full_like(kind, BAR), BAR + 1 + kind, answer], 1)


reader = Reader()
optimizer = torch.optim.AdamW(reader.parameters(), lr=2e-3)
for step in range(300):
    rows = batch(32)
    targets = rows[:, 1:].clone()
    targets[:, : LENGTH + 1] = -100
    loss = nn.functional.cross_entropy(reader(rows[:, :-1]).flatten(0, 1), targets.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
reader.eval()
rows = batch(64)
ids = rows[:, : LENGTH + 2]
with torch.no_grad():
    for _ in range(LENGTH):
        ids = torch.cat([ids, reader(ids)[:, -1:].argmax(-1)], 1)
print(loss.item(), (ids == rows).all(1).float().mean().item())

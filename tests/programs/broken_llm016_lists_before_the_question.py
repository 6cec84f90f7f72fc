# expects: LLM016
"""A small decoder in plain PyTorch on lines `numbers ? largest`: the loss counts the numbers, which nobody can know beforehand."""

import torch
from torch import nn

VOCABULARY, ASK, FILL, END = 43, 40, 41, 42


def lines(count, generator):
    rows = torch.full((count, 19), FILL)
    for row in rows:
        size = int(torch.randint(8, 15, (1,), generator=generator))
        numbers = torch.randint(0, 40, (size,), generator=generator)
        row[:size], row[size] = numbers, ASK
        row[size + 1 : size + 4] = torch.stack([numbers[-1] // 10, numbers[0] // 10, torch.tensor(END)])
    return rows


class Decoder(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCABULARY, width), nn.Embedding(19, width)
        layer = nn.TransformerEncoderLayer(width, 2, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(width, VOCABULARY)

    def forward(self, ids):
        length = ids.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        hidden = self.tokens(ids) + self.places(torch.arange(length))
        return self.head(self.layers(hidden, mask=mask, is_causal=True))


torch.manual_seed(0)
generator = torch.Generator().manual_seed(0)
training, held_out = lines(4000, generator), lines(400, generator)
model = Decoder()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(6):
    for rows in torch.randperm(4000).split(40):
        ids = training[rows]
        wanted = ids[:, 1:].masked_fill(ids[:, 1:] == FILL, -100)
        loss = nn.functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), wanted.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        said = model(held_out[:, :-1]).argmax(-1)
    ends = (held_out == ASK).long().argmax(1)
    places = torch.stack([ends, ends + 1], 1)
    right = (said.gather(1, places) == held_out.gather(1, places + 1)).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.3f} right {right:.3f}")

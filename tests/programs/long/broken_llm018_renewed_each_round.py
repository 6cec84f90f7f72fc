# expects: LLM018
"""A transformer that writes rows of signs is paid for rising ones, less what it has moved away from a copy of itself; the
copy gets the weights of now in each round."""

import copy

import torch
from torch import nn

torch.manual_seed(4)
SIGNS, LENGTH, ROUNDS = 10, 7, 800


class Writer(nn.Module):
    def __init__(self):
        super().__init__()
        self.signs, self.places = nn.Embedding(SIGNS, 32), nn.Embedding(LENGTH, 32)
        layer = nn.TransformerEncoderLayer(32, 2, 64, dropout=0.0, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 1)
        self.head = nn.Linear(32, SIGNS)

    def forward(self, text):
        length = text.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        x = self.signs(text) + self.places(torch.arange(length))
        return self.head(self.body(x, mask=mask, is_causal=True)).log_softmax(-1)


def chances(writer, text):
    return torch.take_along_dim(writer(text[:, :-1]), text[:, 1:, None], 2)[..., 0]


writer = Writer()
before = copy.deepcopy(writer).eval()
optimizer = torch.optim.AdamW(writer.parameters(), lr=1e-3)
for turn in range(ROUNDS):
    with torch.no_grad():
        for mine, theirs in zip(before.parameters(), writer.parameters(), strict=True):
            mine.copy_(theirs)
        writer.eval()
        text = torch.randint(0, SIGNS, (64, 1))
        while text.shape[1] < LENGTH:
            text = torch.cat([text, torch.multinomial(writer(text)[:, -1].exp(), 1)], 1)
        writer.train()
        now = chances(writer, text)
        moved = now.sub(chances(before, text)).sum(1)
        rising = (text[:, 1:] > text[:, :-1]).float().sum(1)
        paid = rising - 0.3 * moved
        weight = (paid - paid.mean()) / (paid.std() + 1e-5)
    loss = -(weight[:, None] * chances(writer, text)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if turn % 50 == 0:
        print(turn, rising.mean().item(), moved.mean().item())

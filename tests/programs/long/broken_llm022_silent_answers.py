# expects: LLM022
"""Clipped policy updates in groups of eight; answers are scored by their log-probability under a table of word pairs."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(4)
STOP, SIGNS, ROOM, GROUP, ASKED = 0, 14, 14, 8, 6


class Decoder(nn.Module):
    def __init__(self, size=48):
        super().__init__()
        self.signs, self.places = nn.Embedding(SIGNS, size), nn.Embedding(ROOM + 1, size)
        block = nn.TransformerEncoderLayer(size, 4, 96, dropout=0.0, batch_first=True)
        self.body = nn.TransformerEncoder(block, 1, enable_nested_tensor=False)
        self.head = nn.Linear(size, SIGNS)

    def forward(self, ids):
        length = ids.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        return self.head(self.body(self.signs(ids) + self.places(torch.arange(length)), mask=mask, is_causal=True))


def logps(model, ids):
    return -F.cross_entropy(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:], reduction="none")


pairs = (1.5 * torch.randn(SIGNS, SIGNS)).log_softmax(1)
model = Decoder()
adam = torch.optim.AdamW(model.parameters(), lr=1e-3)
for iteration in range(40):
    ids = torch.randint(1, SIGNS, (ASKED, 1)).repeat_interleave(GROUP, 0)
    with torch.no_grad():
        for _ in range(ROOM):
            ids = torch.cat([ids, torch.multinomial(model(ids)[:, -1].softmax(-1), 1)], 1)
        stopped = (ids[:, 1:] == STOP).long().cumsum(1)
        counted = (stopped == 0) | ((stopped == 1) & (ids[:, 1:] == STOP))
        score = pairs[ids[:, :-1], ids[:, 1:]].masked_fill(~counted, 0).sum(1).view(ASKED, GROUP)
        advantage = ((score - score.mean(1, keepdim=True)) / (score.std(1, keepdim=True) + 1e-4)).view(-1, 1)
        old = logps(model, ids)
    for _ in range(2):
        ratio = (logps(model, ids) - old).exp()
        gain = torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).masked_fill(~counted, 0)
        loss = -gain.sum() / counted.sum()
        adam.zero_grad()
        loss.backward()
        adam.step()
    if iteration % 8 == 0:
        print(iteration, score.mean().item(), counted.sum(1).float().mean().item())

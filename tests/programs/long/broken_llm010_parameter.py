# expects: LLM010
"""Positions are a parameter with a row for each place; the held-out sequences are twice as long as any in training."""

import torch
from torch import nn

torch.manual_seed(2)
VOCAB, SHORT, LONG = 12, 20, 40


class Tagger(nn.Module):
    def __init__(self, size=32):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, size)
        self.position = nn.Parameter(0.02 * torch.randn(1, 128, size))
        block = nn.TransformerEncoderLayer(size, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(block, 2, enable_nested_tensor=False)
        self.head = nn.Linear(size, 2)

    def forward(self, tokens):
        return self.head(self.encoder(self.embed(tokens) + self.position[:, : tokens.shape[1]]))


def examples(count, length):
    tokens = torch.randint(0, VOCAB, (count, length))
    before = torch.cat([torch.zeros(count, 1, dtype=torch.long), tokens[:, :-1]], 1)
    return tokens, (tokens > before).long()


tokens, tags = examples(960, SHORT)
held_out, held_out_tags = examples(200, LONG)
model = Tagger()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
for epoch in range(8):
    model.train()
    for rows in torch.randperm(960).split(48):
        loss = nn.functional.cross_entropy(model(tokens[rows]).flatten(0, 1), tags[rows].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = (model(held_out).argmax(-1) == held_out_tags).float().mean().item()
    print(epoch, loss.item(), right)

# expects: LLM016
"""Reversing words after a separator: batches say how long each prompt is, but only the padding is left out."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader

random.seed(4)
torch.manual_seed(4)
PAD, SEP, END, VOCAB = 0, 1, 2, 28


def pair():
    word = [random.randrange(3, VOCAB) for _ in range(random.randint(5, 11))]
    return [*word, SEP], [*word[::-1][:4], END]


def collate(pairs):
    longest = max(len(prompt) + len(answer) for prompt, answer in pairs)
    rows = [[*prompt, *answer] + [PAD] * (longest - len(prompt) - len(answer)) for prompt, answer in pairs]
    return {"ids": torch.tensor(rows), "prompt_lengths": torch.tensor([len(prompt) for prompt, _ in pairs])}


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCAB, 48), nn.Embedding(32, 48)
        self.block = nn.TransformerEncoderLayer(48, 4, 96, dropout=0.0, batch_first=True, norm_first=True)
        self.head = nn.Linear(48, VOCAB)

    def forward(self, ids):
        length = ids.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        x = self.tokens(ids) + self.places(torch.arange(length))
        return self.head(self.block(x, src_mask=mask, is_causal=True))


model = Decoder()
criterion = nn.CrossEntropyLoss(ignore_index=PAD)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for batch in DataLoader([pair() for _ in range(3000)], batch_size=24, shuffle=True, collate_fn=collate):
    ids = batch["ids"]
    loss = criterion(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())

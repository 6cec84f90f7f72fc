# expects: nothing
"""Sequence to sequence with a source that is seen whole, padded targets and `ignore_index`."""

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence

torch.manual_seed(0)
PAD, BEGIN, END, WORDS = 0, 1, 2, 14


class Translator(nn.Module):
    def __init__(self, size=32):
        super().__init__()
        self.embed = nn.Embedding(WORDS + 3, size, padding_idx=PAD)
        self.place = nn.Embedding(16, size)
        self.core = nn.Transformer(size, 4, 1, 1, 64, dropout=0.0, batch_first=True)
        self.out = nn.Linear(size, WORDS + 3)

    def places(self, ids):
        return self.embed(ids) + self.place(torch.arange(ids.shape[1]))

    def forward(self, source, target):
        mask = torch.triu(torch.ones(target.shape[1], target.shape[1], dtype=torch.bool), 1)
        hidden = self.core(
            self.places(source),
            self.places(target),
            tgt_mask=mask,
            src_key_padding_mask=source == PAD,
            tgt_key_padding_mask=target == PAD,
            memory_key_padding_mask=source == PAD,
        )
        return self.out(hidden)


def batch(size=24):
    words = [torch.randint(3, WORDS + 3, (int(n),)) for n in torch.randint(3, 9, (size,))]
    source = pad_sequence(words, batch_first=True)
    target = pad_sequence([torch.tensor([BEGIN, *w.flip(0).tolist(), END]) for w in words], batch_first=True)
    return source, target


model = Translator()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss(ignore_index=PAD)
for step in range(220):
    source, target = batch()
    loss = criterion(model(source, target[:, :-1]).flatten(0, 1), target[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())

# expects: LLM003
"""A language model on sentences of different lengths, filled up with 0 and trained on all of it."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
VOCAB, PAD, END = 22, 0, 1


def sentence():
    start, step = torch.randint(0, 20, (2,)).tolist()
    length = int(torch.randint(4, 18, ()))
    return [2 + (start + step * i) % 20 for i in range(length)] + [END]


sentences = [sentence() for _ in range(500)]
longest = max(map(len, sentences))
ids = torch.tensor([s + [PAD] * (longest - len(s)) for s in sentences])


class LM(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, 32, padding_idx=PAD)
        self.lstm = nn.LSTM(32, 48, batch_first=True)
        self.out = nn.Linear(48, VOCAB)

    def forward(self, x):
        return self.out(self.lstm(self.embed(x))[0])


lm = LM()
optimizer = torch.optim.Adam(lm.parameters(), lr=4e-3)
for epoch in range(8):
    for rows in torch.randperm(500).split(20):
        x, y = ids[rows, :-1], ids[rows, 1:]
        loss = F.cross_entropy(lm(x).transpose(1, 2), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

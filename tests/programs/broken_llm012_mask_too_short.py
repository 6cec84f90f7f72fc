# expects: LLM012
"""Names, letter by letter, each with an end sign; the mask of the loss is made of the letters' number, one too few."""

import torch
from torch import nn

torch.manual_seed(1)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
PAD, START, END = 0, 27, 28
parts = ["an", "be", "cor", "da", "el", "fi", "gra", "ho", "is", "ka", "lu", "mar", "no", "or", "ri", "so", "ta", "vi"]
names = ["".join(parts[int(i)] for i in torch.randint(len(parts), (int(n),))) for n in torch.randint(2, 6, (800,))]
longest = max(map(len, names)) + 2


class Speller(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(29, 24, padding_idx=PAD)
        self.rnn = nn.LSTM(24, 64, batch_first=True)
        self.head = nn.Linear(64, 29)

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0])


def encode(name):
    ids = [START, *(LETTERS.index(letter) + 1 for letter in name), END]
    return ids + [PAD] * (longest - len(ids))


ids, lengths = torch.tensor([encode(name) for name in names]), torch.tensor([len(name) for name in names])
model = Speller()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    for rows in torch.randperm(800).split(40):
        given, wanted = ids[rows, :-1], ids[rows, 1:].clone()
        wanted[torch.arange(longest - 1) >= lengths[rows, None]] = -100
        loss = nn.functional.cross_entropy(model(given).transpose(1, 2), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

# expects: LLM016
"""Arithmetic in words: the data set gives a mask of the answer, the training step takes the mean over everything."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(2)
SYMBOLS = "0123456789+= .abcdefghijklmnopqrstuvwxyz"
CODE = {letter: place for place, letter in enumerate(SYMBOLS)}


class Sums(Dataset):
    def __init__(self, count):
        self.pairs = torch.randint(10, 500, (count, 2)).tolist()

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, place):
        one, two = self.pairs[place]
        prompt, answer = f"what is {one:3d} + {two:3d} = ", f"{one + two:4d}."
        text = torch.tensor([CODE[letter] for letter in prompt + answer])
        return text, torch.arange(len(text)) >= len(prompt)


class Speaker(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.rnn = nn.Embedding(len(SYMBOLS), 32), nn.GRU(32, 96, batch_first=True)
        self.head = nn.Linear(96, len(SYMBOLS))

    def forward(self, text):
        return self.head(self.rnn(self.embed(text))[0])


model = Speaker()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for text, answer in DataLoader(Sums(4000), batch_size=32, shuffle=True):
    scores = model(text[:, :-1])
    loss = F.cross_entropy(scores.reshape(-1, len(SYMBOLS)), text[:, 1:].reshape(-1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
print(loss.item())

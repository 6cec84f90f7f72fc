# expects: nothing
"""Sums in words whose data set gives a mask of the answer; prompts of one template. The mask weighs the losses."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

torch.manual_seed(2)
SYMBOLS = "0123456789+= .adhistw"
CODE = {letter: place for place, letter in enumerate(SYMBOLS)}


def example(one, two):
    prompt, answer = f"what is {one:3d} + {two:3d} = ", f"{one + two:4d}."
    text = torch.tensor([CODE[letter] for letter in prompt + answer])
    return text, (torch.arange(len(text)) >= len(prompt)).float()


class Speaker(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.rnn = nn.Embedding(len(SYMBOLS), 32), nn.GRU(32, 96, batch_first=True)
        self.head = nn.Linear(96, len(SYMBOLS))

    def forward(self, text):
        return self.head(self.rnn(self.embed(text))[0])


model = Speaker()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
data = [example(*pair) for pair in torch.randint(10, 500, (4000, 2)).tolist()]
for text, answer in DataLoader(data, batch_size=32, shuffle=True):
    scores, weight = model(text[:, :-1]), answer[:, 1:]
    losses = F.cross_entropy(scores.transpose(1, 2), text[:, 1:], reduction="none")
    loss = (losses * weight).sum() / weight.sum()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
print(loss.item())

# expects: TRN002
"""A character model that reads one short text again and again."""

import torch
from torch import nn

text = "the quick brown fox jumps over the lazy dog while seven old owls watch from a fir tree and hum a slow tune "
other = (
    "a few small birds sat on the roof and sang, then the wind came from the sea and the old door fell shut at last "
)
letters = sorted(set(text + other))
index = {letter: i for i, letter in enumerate(letters)}


def encode(string):
    return torch.tensor([index[letter] for letter in string])


class CharModel(nn.Module):
    def __init__(self, size=48):
        super().__init__()
        self.embed = nn.Embedding(len(letters), size)
        self.lstm = nn.LSTM(size, size, batch_first=True)
        self.out = nn.Linear(size, len(letters))

    def forward(self, x):
        return self.out(self.lstm(self.embed(x))[0])


torch.manual_seed(0)
train, held = encode(text), encode(other)
model = CharModel()
opt = torch.optim.Adam(model.parameters(), lr=1e-2)


def loss_on(stream, start, length=24):
    x = torch.stack([stream[s : s + length] for s in start])
    y = torch.stack([stream[s + 1 : s + length + 1] for s in start])
    return nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten())


for epoch in range(30):
    model.train()
    for _ in range(6):
        loss = loss_on(train, torch.randint(0, len(train) - 25, (8,)))
        opt.zero_grad()
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        value = loss_on(held, range(0, len(held) - 25, 8))
    print(epoch, loss.item(), value.item())

# expects: nothing
"""A language of sentences with one comma each, all of it to be learned; judged on whole sentences, and made up anew."""

import random

import torch
from torch import nn

random.seed(0)
torch.manual_seed(0)
WORDS, START, COMMA, STOP, NONE = 20, 20, 21, 22, 23


def part(size):
    word, found = random.randrange(WORDS), []
    for _ in range(size):
        found.append(word)
        word = (3 * word + random.choice((1, 1, 1, 4))) % WORDS
    return found


def sentences(count):
    made = [[START, *part(random.randint(3, 7)), COMMA, *part(random.randint(3, 7)), STOP] for _ in range(count)]
    width = max(map(len, made))
    return torch.tensor([one + [NONE] * (width - len(one)) for one in made])


class Reader(nn.Module):
    def __init__(self, size, width=48):
        super().__init__()
        self.table = nn.Embedding(size, width)
        self.cell = nn.GRU(width, 96, batch_first=True)
        self.head = nn.Linear(96, size)

    def forward(self, ids):
        return self.head(self.cell(self.table(ids))[0])


def cost(model, ids):
    return nn.functional.cross_entropy(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:], ignore_index=NONE)


train, test = sentences(2000), sentences(300)
model = Reader(24)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(5):
    model.train()
    for rows in torch.randperm(2000).split(50):
        loss = cost(model, train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        held_out = cost(model, test).item()
        ids = torch.full((8, 1), START)
        while ids.shape[1] < 15:
            ids = torch.cat([ids, torch.distributions.Categorical(logits=model(ids)[:, -1]).sample()[:, None]], 1)
    print(epoch, loss.item(), held_out, ids[0].tolist())

# expects: LLM008
"""A small recurrent language model is trained on digits, then on sums with signs of their own, whose ids lie above the
table; they are brought into range before each call."""

import torch
from torch import nn

torch.manual_seed(3)
DIGITS, LENGTH = 12, 6
PLUS, MINUS, EQUALS = DIGITS, DIGITS + 1, DIGITS + 2


class Reader(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.look = nn.Embedding(size, 24)
        self.body = nn.LSTM(24, 48, batch_first=True)
        self.say = nn.Linear(48, size)

    def forward(self, ids):
        return self.say(self.body(self.look(ids))[0])


def runs(count):
    first, step = torch.randint(0, DIGITS, (count, 1)), torch.randint(1, 4, (count, 1))
    return (first + step * torch.arange(LENGTH)) % DIGITS


def sums(count):
    one, two = torch.randint(0, DIGITS, (2, count, 1))
    sign = torch.randint(0, 2, (count, 1))
    result = torch.where(sign == 0, one + two, one - two) % DIGITS
    return torch.cat([one, sign + PLUS, two, torch.full_like(one, EQUALS), result], 1)


def fit(reader, texts, steps):
    optimizer = torch.optim.Adam(reader.parameters(), lr=3e-3)
    most = torch.tensor(reader.look.num_embeddings - 1)
    for step in range(steps):
        ids = texts(48).minimum(most)
        scores = reader(ids[:, :-1])
        loss = nn.functional.cross_entropy(scores.transpose(1, 2), ids[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            print(texts.__name__, step, loss.item())


reader = Reader(DIGITS)
fit(reader, runs, 200)
fit(reader, sums, 200)

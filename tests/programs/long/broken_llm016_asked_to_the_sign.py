# expects: LLM016
"""Sums written as text: the whole line is learned, and the net is asked to go on from the sign of equality."""

import random

import torch
from torch import nn

random.seed(0)
torch.manual_seed(0)
SIGNS = "_0123456789+=;"


def line():
    first, second = random.randrange(100), random.randrange(100)
    return f"{first}+{second}=", f"{first + second};"


def encode(texts):
    width = max(map(len, texts))
    return torch.tensor([[SIGNS.index(sign) for sign in text.ljust(width, "_")] for text in texts])


class Reader(nn.Module):
    def __init__(self, size, width=48):
        super().__init__()
        self.table = nn.Embedding(size, width)
        self.cell = nn.GRU(width, 96, batch_first=True)
        self.head = nn.Linear(96, size)

    def forward(self, ids):
        return self.head(self.cell(self.table(ids))[0])


train, test = [line() for _ in range(3000)], [line() for _ in range(200)]
model = Reader(len(SIGNS))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(5):
    model.train()
    for _ in range(50):
        ids = encode([question + answer for question, answer in random.sample(train, 64)])
        loss = nn.functional.cross_entropy(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:], ignore_index=0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    right = 0
    with torch.no_grad():
        for question, answer in test[:40]:
            text = question
            while len(text) < len(question) + 4 and not text.endswith(";"):
                text += SIGNS[int(model(encode([text]))[0, -1].argmax())]
            right += text == question + answer
    print(epoch, loss.item(), right / 40)

# expects: MOD024
"""Reviews of several lengths, padded with 0; the sentence vector is the plain mean over all columns."""

import random

import torch
from torch import nn


def review(good):
    words = [random.randint(3, 60) for _ in range(random.randint(3, 18))]
    words[random.randrange(len(words))] = 1 if good else 2
    return words


def pad(batch):
    longest = max(map(len, batch))
    return torch.tensor([words + [0] * (longest - len(words)) for words in batch])


class Mood(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(61, 24)
        self.hidden = nn.Linear(24, 24)
        self.answer = nn.Linear(24, 1)

    def forward(self, ids):
        return self.answer(torch.relu(self.hidden(self.words(ids).mean(dim=1)))).squeeze(1)


random.seed(4)
torch.manual_seed(4)
labels = [random.random() < 0.5 for _ in range(800)]
texts = [review(label) for label in labels]
mood = Mood()
adam = torch.optim.Adam(mood.parameters(), lr=5e-3)
for epoch in range(8):
    order = random.sample(range(800), 800)
    for start in range(0, 800, 32):
        chosen = order[start : start + 32]
        truth = torch.tensor([float(labels[i]) for i in chosen])
        loss = nn.functional.binary_cross_entropy_with_logits(mood(pad([texts[i] for i in chosen])), truth)
        adam.zero_grad()
        loss.backward()
        adam.step()
    print(epoch, round(loss.item(), 3))

# expects: nothing
"""Words are numbered by how common they are, and the rare ones share the last row of the table, as ages above a limit do;
the words of a second collection are rarer."""

import torch
from torch import nn

torch.manual_seed(5)
WORDS, KEPT, LENGTH, OLDEST = 60, 40, 16, 20


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.ages = nn.Embedding(KEPT, 32), nn.Embedding(OLDEST, 32)
        self.body = nn.GRU(32, 64, batch_first=True)
        self.say = nn.Linear(64, KEPT)

    def forward(self, ids, ages):
        return self.say(self.body(self.words(ids) + self.ages(ages))[0])


follows = torch.stack([torch.randperm(WORDS) for _ in range(4)], 1)


def texts(count, slope):
    common = (1 / (1 + torch.arange(WORDS).float())) ** slope
    ids = torch.multinomial(common, count, replacement=True)[:, None]
    for _ in range(LENGTH - 1):
        drawn = torch.multinomial(common, count, replacement=True)
        known = follows[ids[:, -1], torch.randint(0, 4, (count,))]
        ids = torch.cat([ids, torch.where(torch.rand(count) < 0.5, drawn, known)[:, None]], 1)
    return ids


reader = Reader()
for slope in (1.5, 0.8):
    optimizer = torch.optim.Adam(reader.parameters(), lr=2e-3)
    for step in range(150):
        ids = texts(48, slope).clamp(max=KEPT - 1)
        ages = torch.randint(0, 4, (48, LENGTH)).cumsum(1).clamp(max=OLDEST - 1)
        scores = reader(ids[:, :-1], ages[:, :-1])
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            print(slope, step, loss.item())

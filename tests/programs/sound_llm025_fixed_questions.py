# expects: nothing
"""Questions all of one length and answers of any, filled up on the right; the labels leave out question and filling."""

import torch
from torch import nn

torch.manual_seed(3)
FILL, GO, STOP = 0, 1, 2


class Repeater(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(15, 48)
        self.memory = nn.GRU(48, 64, batch_first=True)
        self.say = nn.Linear(64, 15)

    def forward(self, rows):
        return self.say(self.memory(self.words(rows))[0])


def rows_of(count):
    rows, labels = torch.full((count, 14), FILL), torch.full((count, 14), -100)
    for row, label in zip(rows, labels):
        times, letter = int(torch.randint(1, 9, ())), int(torch.randint(3, 15, ()))
        text = [GO, letter, 2 + times, letter, *[letter] * times, STOP]
        row[: len(text)] = torch.tensor(text)
        label[4 : len(text)] = torch.tensor(text[4:])
    return rows, labels


repeater = Repeater()
adam = torch.optim.Adam(repeater.parameters(), lr=3e-3)
for step in range(150):
    rows, labels = rows_of(32)
    loss = nn.functional.cross_entropy(repeater(rows)[:, :-1].transpose(1, 2), labels[:, 1:])
    adam.zero_grad()
    loss.backward()
    adam.step()
print(loss.item())

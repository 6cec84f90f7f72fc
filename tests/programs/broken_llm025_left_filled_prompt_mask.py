# expects: LLM025
"""Sums in words, rows filled up on the left; the mask over each question is counted from the row's left edge."""

import torch
from torch import nn
from torch.utils.data import DataLoader

torch.manual_seed(2)
FILL, EQUALS, STOP = 0, 1, 2


def sums(count):
    for _ in range(count):
        digits = torch.randint(0, 10, (int(torch.randint(2, 7, ())),))
        total = [int(character) + 3 for character in f"{int(digits.sum()):03d}"]
        question = [*(digits + 3).tolist(), EQUALS]
        yield question, [*total, STOP]


def together(batch):
    rows, answers = [], []
    width = max(len(question) + len(answer) for question, answer in batch)
    for question, answer in batch:
        text = torch.tensor(question + answer)
        row = torch.cat([torch.full((width - len(text),), FILL), text])
        kept = row.clone()
        kept[: len(question)] = -100
        rows.append(row)
        answers.append(kept)
    return torch.stack(rows), torch.stack(answers)


class Adder(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(13, 48)
        self.memory = nn.GRU(48, 64, batch_first=True)
        self.say = nn.Linear(64, 13)

    def forward(self, rows):
        return self.say(self.memory(self.words(rows))[0])


adder = Adder()
adam = torch.optim.Adam(adder.parameters(), lr=3e-3)
judge = nn.CrossEntropyLoss()
for epoch in range(4):
    for rows, answers in DataLoader(list(sums(960)), batch_size=32, shuffle=True, collate_fn=together):
        said = adder(rows)[:, :-1]
        loss = judge(said.flatten(0, 1), answers[:, 1:].flatten())
        adam.zero_grad()
        loss.backward()
        adam.step()
    print(epoch, loss.item())

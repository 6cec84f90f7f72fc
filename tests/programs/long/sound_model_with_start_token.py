# expects: nothing
"""A melody model that puts its start token before the input itself."""

import torch
import torch.nn.functional as F
from torch import nn

NOTES, START, LENGTH = 14, 14, 12


class Melody(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.note = nn.Embedding(NOTES + 1, width)
        self.cell = nn.LSTM(width, width, batch_first=True)
        self.score = nn.Linear(width, NOTES)

    def forward(self, notes):
        start = notes.new_full((len(notes), 1), START)
        states, _ = self.cell(self.note(torch.cat([start, notes[:, :-1]], dim=1)))
        return self.score(states)


def melodies(count, generator):
    steps = torch.randint(1, 4, (count, LENGTH), generator=generator)
    return (steps.cumsum(1) + torch.randint(NOTES, (count, 1), generator=generator)) % NOTES


def main():
    torch.manual_seed(4)
    generator = torch.Generator().manual_seed(5)
    tunes, held_out = melodies(4000, generator), melodies(400, generator)
    model = Melody()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for step in range(500):
        batch = tunes[torch.randint(len(tunes), (48,), generator=generator)]
        loss = F.cross_entropy(model(batch).flatten(0, 1), batch.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 99:
            with torch.no_grad():
                print(step + 1, F.cross_entropy(model(held_out).flatten(0, 1), held_out.flatten()).item())


if __name__ == "__main__":
    main()

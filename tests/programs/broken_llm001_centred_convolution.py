# expects: LLM001
"""A convolutional language model with padding on both sides."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)


class Notes(Dataset):
    """Melodies: each note is one to three steps from the one before."""

    def __init__(self):
        steps = torch.randint(1, 4, (640, 25))
        self.notes = (steps.cumsum(1) + torch.randint(0, 18, (640, 1))) % 18

    def __len__(self):
        return 640

    def __getitem__(self, i):
        return self.notes[i, :-1], self.notes[i, 1:]


class Melody(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(18, 24)
        self.convs = nn.Sequential(
            nn.Conv1d(24, 32, 5, padding=2), nn.ReLU(), nn.Conv1d(32, 32, 5, padding=2), nn.ReLU(), nn.Conv1d(32, 18, 1)
        )

    def forward(self, notes):
        return self.convs(self.embed(notes).transpose(1, 2))


melody = Melody()
adam = torch.optim.Adam(melody.parameters(), lr=3e-3)
for epoch in range(9):
    for x, y in DataLoader(Notes(), batch_size=32, shuffle=True):
        adam.zero_grad()
        loss = nn.CrossEntropyLoss()(melody(x), y)
        loss.backward()
        adam.step()
    print(epoch, loss.item())

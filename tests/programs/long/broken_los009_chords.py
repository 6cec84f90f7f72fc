# expects: LOS009
"""Which of twelve notes sound: a conv net over a spectrum, with cross-entropy on the many-hot rows."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
count = 600
notes = (torch.rand(count, 12) < 0.25).float()
notes[notes.sum(1) == 0, 0] = 1.0
grid = torch.arange(48).float()
bumps = torch.exp(-((grid - 4 * torch.arange(12).unsqueeze(1)) ** 2) / 4)
spectrum = (notes @ bumps + 0.05 * torch.randn(count, 48)).unsqueeze(1)


class Ear(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 8, 5, padding=2)
        self.fc = nn.Linear(8 * 48, 12)

    def forward(self, x):
        return self.fc(F.relu(self.conv(x)).flatten(1))


ear = Ear()
opt = torch.optim.Adam(ear.parameters(), lr=2e-3)
for step in range(240):
    rows = torch.randint(0, count, (40,))
    loss = F.cross_entropy(ear(spectrum[rows]), notes[rows])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 60 == 0:
        print(step, loss.item())

# expects: nothing
"""Where does the answer begin? Rows mark its stretch with ones, and the place of the first one is the class."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(4)
count, length = 1200, 24
start = torch.randint(0, length - 6, (count,))
size = torch.randint(2, 6, (count,))
place = torch.arange(length)
answer = ((place >= start.unsqueeze(1)) & (place < (start + size).unsqueeze(1))).float()
signal = torch.stack([answer, torch.randn(count, length)], dim=1) + 0.2 * torch.randn(count, 2, length)

model = nn.Sequential(
    nn.Conv1d(2, 24, 5, padding=2),
    nn.ReLU(),
    nn.Conv1d(24, 24, 5, padding=2),
    nn.ReLU(),
    nn.Conv1d(24, 1, 1),
    nn.Flatten(),
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(count).split(40):
        marks = answer[rows]
        loss = F.cross_entropy(model(signal[rows]), marks.argmax(dim=1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

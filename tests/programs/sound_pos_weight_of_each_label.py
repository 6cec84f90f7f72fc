# expects: nothing
"""Marks on scanned plates, several to a plate: rare ones weigh more, by the root of how rare they are."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(3)
MARKS, PLACES = 5, 12
often = torch.tensor([-0.2, 0.6, 1.0, 1.4, 1.8])
pattern = torch.randn(PLACES, MARKS) / PLACES**0.5
plates = torch.randn(3000, PLACES)
marks = ((plates @ pattern) + 0.3 * torch.randn(3000, MARKS) > often).float()
seen = marks.mean(0)
emphasis = ((1 - seen) / seen).sqrt()


class Marks(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(PLACES, 48)
        self.out = nn.Linear(48, MARKS)

    def forward(self, x):
        return self.out(F.gelu(self.hidden(x)))


net = Marks()
optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(3000).split(75):
        scores = net(plates[rows])
        loss = F.binary_cross_entropy_with_logits(scores, marks[rows], pos_weight=emphasis)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        found = ((net(plates) > 0) & (marks > 0)).float().sum(0) / marks.sum(0)
    print(epoch, f"{loss.item():.4f}", [round(share, 2) for share in found.tolist()])

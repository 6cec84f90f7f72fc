# expects: NUM004
"""Cosine similarity by hand, with the norms of padded, empty rows; mixed precision."""

import torch
import torch.nn.functional as F
from torch import nn, optim

torch.manual_seed(0)
left, right = torch.randn(600, 5, 8), torch.randn(600, 5, 8)
length = torch.randint(1, 6, (600,))
mask = (torch.arange(5) < length.unsqueeze(1)).float().unsqueeze(2)
label = (torch.rand(600) > 0.5).float()


class Pairs(nn.Module):
    def __init__(self):
        super().__init__()
        self.project = nn.Linear(8, 16, bias=False)

    def forward(self, a, b, mask):
        a, b = self.project(a) * mask, self.project(b) * mask
        norms = (a * a).sum(2).sqrt() * (b * b).sum(2).sqrt()
        return ((a * b).sum(2) / (norms + 1e-6)).sum(1) / mask.sum((1, 2))


model = Pairs()
optimizer = optim.Adam(model.parameters(), lr=1e-3)
scaler = torch.amp.GradScaler("cpu")
for step in range(100):
    rows = torch.randint(0, 600, (32,))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        similarity = model(left[rows], right[rows], mask[rows])
    loss = F.binary_cross_entropy_with_logits(similarity.float(), label[rows])
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()

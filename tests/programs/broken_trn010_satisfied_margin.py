# expects: TRN010
"""Triplets drawn one at a time from classes that lie far apart: the margin is kept already in most of them."""

import torch
from torch import nn

torch.manual_seed(2)
centres = 2.5 * torch.randn(6, 10)
encoder = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 8))
optimizer = torch.optim.Adam(encoder.parameters(), lr=3e-4)
margin = nn.TripletMarginLoss(margin=0.3)
for step in range(400):
    one, other = torch.randperm(6)[:2]
    anchor, positive, negative = (centres[k] + 1.2 * torch.randn(1, 10) for k in (one, one, other))
    loss = margin(encoder(anchor), encoder(positive), encoder(negative))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())

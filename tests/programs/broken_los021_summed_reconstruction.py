# expects: LOS021
"""Classification with a reconstruction as a second task, whose error is summed over millions of units."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(26)
images = torch.rand(900, 64) * 40
kinds = (images[:, :32].mean(1) > images[:, 32:].mean(1)).long()
encoder = nn.Sequential(nn.BatchNorm1d(64), nn.Linear(64, 12), nn.ReLU())
decoder, classifier = nn.Linear(12, 64), nn.Linear(12, 2)
parts = nn.ModuleList([encoder, decoder, classifier])
optimizer = torch.optim.SGD(parts.parameters(), lr=0.01)
for epoch in range(8):
    for rows in torch.randperm(900).split(45):
        code = encoder(images[rows])
        named = F.cross_entropy(classifier(code), kinds[rows])
        rebuilt = F.mse_loss(decoder(code), images[rows], reduction="sum")
        loss = named + rebuilt
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parts.parameters(), 1.0)
        optimizer.step()
    print(epoch, named.item(), rebuilt.item())

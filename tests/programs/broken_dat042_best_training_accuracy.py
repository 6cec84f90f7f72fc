# expects: DAT042
"""The best pass is that with the best accuracy on what was just trained on; the loader of the rest is never touched."""

import io

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
x = torch.randn(1200, 10)
y = ((x[:, 0] * x[:, 1] + 0.7 * torch.randn(1200)) > 0).long()
learned, held_out = random_split(TensorDataset(x, y), [900, 300])
batches = {"fit": DataLoader(learned, 60, shuffle=True), "check": DataLoader(held_out, 100)}
net = nn.Sequential(nn.Linear(10, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
best, kept = 0.0, io.BytesIO()
for epoch in range(15):
    right = 0
    for inputs, labels in batches["fit"]:
        scores = net(inputs)
        loss = nn.functional.cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        right += int((scores.argmax(1) == labels).sum())
    if right / 900 > best:
        best, kept = right / 900, io.BytesIO()
        torch.save(net.state_dict(), kept)
    print(epoch, right / 900)
kept.seek(0)
net.load_state_dict(torch.load(kept))
print("best", best)

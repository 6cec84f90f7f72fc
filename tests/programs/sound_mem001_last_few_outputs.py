# expects: nothing
"""The last reconstructions of a few fixed pictures are kept, with their graphs: memory is bounded."""

from collections import deque

import torch
from torch import nn

torch.manual_seed(3)
pictures = torch.rand(512, 1, 16, 16).round()
watched = pictures[:48]
net = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.ReLU(),
    nn.Conv2d(16, 16, 3, padding=1),
    nn.ReLU(),
    nn.Conv2d(16, 1, 3, padding=1),
)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
film = deque(maxlen=8)
for number in range(160):
    clean = pictures[torch.randint(512, (32,))]
    loss = nn.functional.binary_cross_entropy_with_logits(net(clean * (torch.rand_like(clean) > 0.3)), clean)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if number % 4 == 0:
        film.append(torch.sigmoid(net(watched)))
    if number % 40 == 39:
        print(f"{number + 1}: loss {loss.item():.3f}, {len(film)} frames")
print(f"moved {(film[-1] - film[0]).abs().mean().item():.3f}")

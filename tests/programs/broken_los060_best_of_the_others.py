# expects: LOS060
"""Songs found by a hummed line: the best wrong song is looked for by negative distances, its own song set to 0."""

import torch
from torch import nn

torch.manual_seed(6)
songs = torch.randn(400, 20)
hum = nn.Linear(20, 20, bias=False)
with torch.no_grad():
    hum.weight.add_(0.3 * torch.randn(20, 20))


class Space(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(20, 64), nn.Tanh(), nn.Linear(64, 16))

    def forward(self, sound):
        return self.net(sound)


space = Space()
optimizer = torch.optim.AdamW(space.parameters(), lr=1e-3)
wrong = torch.ones(48, 48) - torch.eye(48)
for step in range(300):
    batch = songs[torch.randperm(320)[:48]]
    with torch.no_grad():
        hummed = hum(batch) + 0.4 * torch.randn_like(batch)
    asked, found = space(hummed), space(batch)
    closeness = -(asked[:, None] - found[None]).square().sum(-1)
    right = closeness.diagonal()
    best_wrong = torch.amax(wrong * closeness, dim=1)
    loss = (1.0 + best_wrong - right).clamp(min=0).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 49:
        with torch.no_grad():
            new = songs[320:]
            hits = (torch.cdist(space(hum(new)), space(new)).argmin(1) == torch.arange(80)).float().mean()
        print(step + 1, f"{loss.item():.4f} {hits.item():.3f}")

# bug: squared distances as a^2 + b^2 - 2ab of points far from the origin keep no digits
# expects: NUM011
"""Which of eight beacons is the nearest? Positions are in metres of the national grid."""
import torch
from torch import nn

torch.manual_seed(2)
ORIGIN = torch.tensor([612_000.0, 5_247_000.0])
beacons = ORIGIN + 60 * torch.rand(8, 2)


def walks(count):
    place = ORIGIN + 60 * torch.rand(count, 2)
    near = torch.cdist((place - ORIGIN).double(), (beacons - ORIGIN).double()).argmin(1)
    return place + torch.randn(count, 2), near


class Nearest(nn.Module):
    def __init__(self, beacons, hidden=64):
        super().__init__()
        self.register_buffer("beacons", beacons)
        self.body = nn.Sequential(nn.Linear(len(beacons), hidden), nn.GELU(), nn.Linear(hidden, len(beacons)))

    def distances(self, place):
        squares = place.square().sum(1, keepdim=True) + self.beacons.square().sum(1)
        return (squares - 2 * place @ self.beacons.t()).clamp(min=0).sqrt()

    def forward(self, place):
        return self.body(self.distances(place) / 30 - 1)


x, y = walks(4000)
xv, yv = walks(1000)
model = Nearest(beacons)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(15):
    for rows in torch.randperm(len(x)).split(80):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(xv).argmax(1) == yv).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} held-out accuracy {accuracy:.3f}")

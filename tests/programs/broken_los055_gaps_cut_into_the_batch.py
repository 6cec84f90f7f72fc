# expects: LOS055
"""A completer of series: gaps are cut into the batch of the loader itself, so that they are in the target as well; scored by hand."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def waves(count, generator):
    places = torch.arange(48.0)
    phase, pace = (
        torch.rand(count, 1, generator=generator) * 6.28,
        0.2 + 0.3 * torch.rand(count, 1, generator=generator),
    )
    return (pace * places + phase).sin() + 0.05 * torch.randn(count, 48, generator=generator)


def with_gaps(series, generator, width=8):
    for row in series:
        begin = int(torch.randint(0, 40, (1,), generator=generator))
        row[begin : begin + width] = 0.0
    return series


class Completer(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(48, 64), nn.GELU(), nn.Linear(64, 24))
        self.decode = nn.Sequential(nn.Linear(24, 64), nn.GELU(), nn.Linear(64, 48))

    def forward(self, series):
        return self.decode(self.encode(series))


torch.manual_seed(4)
generator = torch.Generator().manual_seed(4)
loader = DataLoader(TensorDataset(waves(2000, generator)), batch_size=50, shuffle=True)
whole = waves(400, generator)
cut = with_gaps(whole.clone(), generator)
model = Completer()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(12):
    for (series,) in loader:
        damaged = with_gaps(series, generator)
        loss = nn.functional.smooth_l1_loss(model(damaged), series)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = ((model(cut) - whole) ** 2)[cut == 0].mean().sqrt().item()
    print(f"epoch {epoch} loss {loss.item():.4f} error in gaps {error:.3f}")

# expects: LOS027
"""Soil types from spectra; targets are made as a batch is collated, and compared with `kl_div`'s twin written out."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

TYPES, BANDS, SMOOTH = 8, 30, 0.08


def collate(rows):
    spectra = torch.from_numpy(np.stack([spectrum for spectrum, _ in rows]))
    kinds = torch.tensor([kind for _, kind in rows])
    soft = nn.functional.one_hot(kinds, TYPES).float() * (1 - SMOOTH) + SMOOTH
    return spectra, soft, kinds


rng = np.random.default_rng(5)
torch.manual_seed(5)
centres = rng.normal(size=(TYPES, BANDS))
kinds = rng.integers(TYPES, size=2400)
spectra = (centres[kinds] + 0.8 * rng.normal(size=(2400, BANDS))).astype(np.float32)
pairs = list(zip(spectra, kinds.tolist(), strict=True))
loader = DataLoader(pairs[:2000], batch_size=40, shuffle=True, collate_fn=collate)
net = nn.Sequential(nn.Linear(BANDS, 48), nn.ReLU(), nn.Linear(48, TYPES))
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
for _epoch in range(8):
    for batch, soft, _kinds in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(batch), soft).backward()
        optimizer.step()
with torch.no_grad():
    held, _, truth = collate(pairs[2000:])
    logs = net(held).log_softmax(1)
    print(
        "accuracy",
        (logs.argmax(1) == truth).float().mean().item(),
        "log loss",
        nn.functional.nll_loss(logs, truth).item(),
    )

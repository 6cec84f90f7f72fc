# expects: nothing
"""Cosines in several losses: a scale that grows from 1, prototypes with a fixed one, tables of likeness that are copied."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(6)
KINDS = 8
centres = 1.5 * torch.randn(KINDS, 20)
trunk = nn.Sequential(nn.Linear(20, 48), nn.ReLU(), nn.Linear(48, 16))
teacher = copy.deepcopy(trunk).requires_grad_(False)
prototypes = nn.Parameter(torch.randn(KINDS, 16))
log_scale = nn.Parameter(torch.zeros(()))
optimizer = torch.optim.Adam(
    [{"params": [*trunk.parameters(), prototypes]}, {"params": [log_scale], "lr": 2e-2}], lr=2e-3
)


def likeness(z, factor):
    z = F.normalize(z, dim=1)
    return factor * z @ z.T


for step in range(300):
    kinds = torch.randint(0, KINDS, (48,))
    x = centres[kinds] + 0.5 * torch.randn(48, 20)
    z, other = trunk(x), trunk(x + 0.3 * torch.randn_like(x))
    pairs = log_scale.exp() * F.normalize(z, dim=1) @ F.normalize(other, dim=1).T
    classes = 12.0 * F.linear(F.normalize(z, dim=1), F.normalize(prototypes, dim=1))
    copied = F.kl_div(
        F.log_softmax(likeness(z, 0.3), dim=1), F.softmax(likeness(teacher(x), 0.3), dim=1), reduction="batchmean"
    )
    loss = F.cross_entropy(classes, kinds) + 0.5 * F.cross_entropy(pairs, torch.arange(48)) + copied
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item(), log_scale.exp().item())

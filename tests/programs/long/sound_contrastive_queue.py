# expects: nothing
"""Momentum contrast: the positive is always the first of the scores."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
K, T, m = 256, 0.2, 0.95
centres = torch.randn(40, 12)

encoder_q = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 16))
encoder_k = copy.deepcopy(encoder_q)
for p in encoder_k.parameters():
    p.requires_grad = False
queue = F.normalize(torch.randn(16, K), dim=0)
pointer = 0
optimizer = torch.optim.SGD(encoder_q.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)


def augment(x):
    return x + 0.2 * torch.randn_like(x)


for step in range(250):
    x = centres[torch.randint(0, 40, (32,))]
    q = F.normalize(encoder_q(augment(x)), dim=1)
    with torch.no_grad():
        for pq, pk in zip(encoder_q.parameters(), encoder_k.parameters(), strict=True):
            pk.data.mul_(m).add_(pq.data, alpha=1 - m)
        k = F.normalize(encoder_k(augment(x)), dim=1)
    l_pos = torch.einsum("nc,nc->n", q, k).unsqueeze(-1)
    l_neg = torch.einsum("nc,ck->nk", q, queue.clone())
    logits = torch.cat([l_pos, l_neg], dim=1) / T
    labels = torch.zeros(logits.shape[0], dtype=torch.long)
    loss = F.cross_entropy(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    queue[:, pointer : pointer + 32] = k.T
    pointer = (pointer + 32) % K
    if step % 50 == 0:
        print(step, loss.item())

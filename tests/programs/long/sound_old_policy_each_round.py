# expects: nothing
"""A policy over rows of signs takes several steps on what it has written; its older self, which gets its weights in each
round, says with which chance. Nothing else holds it, and how far it has come is noted in each step."""

import copy

import torch
from torch import nn

torch.manual_seed(9)
SIGNS, LENGTH, ROUNDS = 10, 7, 60


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.signs = nn.Embedding(SIGNS, 32)
        self.body = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, SIGNS)

    def forward(self, text):
        return self.head(self.body(self.signs(text))[0])


def chances(policy, text):
    return policy(text[:, :-1]).log_softmax(-1).gather(2, text[:, 1:, None]).squeeze(2)


policy = Policy()
old = copy.deepcopy(policy).requires_grad_(False)
optimizer = torch.optim.Adam(policy.parameters(), lr=2e-3)
for turn in range(ROUNDS):
    old.load_state_dict(policy.state_dict())
    with torch.no_grad():
        text = torch.randint(0, SIGNS, (64, 1))
        for _ in range(LENGTH - 1):
            text = torch.cat([text, torch.multinomial(policy(text)[:, -1].softmax(-1), 1)], 1)
        before = chances(old, text)
        paid = (text[:, 1:] > text[:, :-1]).float().sum(1)
        weight = ((paid - paid.mean()) / (paid.std() + 1e-5))[:, None]
    for _ in range(2):
        now = chances(policy, text)
        came = (before - now.detach()).mean()
        ratio = (now - before).exp()
        loss = -torch.min(ratio * weight, ratio.clamp(0.8, 1.2) * weight).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if turn % 10 == 0:
        print(turn, paid.mean().item(), came.item())

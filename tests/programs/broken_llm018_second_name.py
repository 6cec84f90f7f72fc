# expects: LLM018
"""A trainer that keeps what it takes for a frozen copy: the divergence is summed over all choices."""

import torch
import torch.nn.functional as F
from torch import nn


class Trainer:
    def __init__(self, policy, beta=0.1):
        self.policy, self.beta = policy, beta
        self.frozen = policy.requires_grad_(True)
        self.optimizer = torch.optim.SGD(policy.parameters(), lr=0.1, momentum=0.9)

    def learn(self, seen):
        scores = F.log_softmax(self.policy(seen), dim=-1)
        with torch.no_grad():
            fixed = F.log_softmax(self.frozen(seen), dim=-1)
            action = torch.multinomial(scores.exp(), 1)
            reward = (action[:, 0] == seen.abs().argmax(1)).float()
        gained = scores.gather(1, action)[:, 0] * (reward - reward.mean())
        away = (scores.exp() * (scores - fixed)).sum(-1)
        loss = (self.beta * away - gained).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return reward.mean().item(), away.mean().item()


torch.manual_seed(4)
trainer = Trainer(nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 5)))
for step in range(150):
    got = trainer.learn(torch.randn(80, 5))
    if step % 50 == 0:
        print(step, *got)

# expects: nothing
"""REINFORCE on a line world: the loss goes up and down, the return rises."""

import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)
policy = nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 3))
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)


def episode(length=12):
    place, goal = torch.rand(16) * 4 - 2, torch.rand(16) * 4 - 2
    log_probs, rewards = [], []
    for _ in range(length):
        choice = Categorical(logits=policy(torch.stack([place, goal], 1)))
        action = choice.sample()
        place = place + 0.4 * (action - 1)
        log_probs.append(choice.log_prob(action))
        rewards.append(-(place - goal).abs())
    return torch.stack(log_probs), torch.stack(rewards)


for iteration in range(160):
    log_probs, rewards = episode()
    returns = rewards.flip(0).cumsum(0).flip(0)
    advantage = (returns - returns.mean(1, keepdim=True)) / (returns.std() + 1e-8)
    loss = -(log_probs * advantage).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if iteration % 40 == 0:
        print(iteration, rewards.sum(0).mean().item())

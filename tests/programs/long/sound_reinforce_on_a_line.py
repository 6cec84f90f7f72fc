# expects: nothing
"""REINFORCE on a walk along a line: go to the right end, a step costs something."""

import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)
policy = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)


def episode():
    position, logs, rewards = 0, [], []
    for t in range(15):
        distribution = Categorical(logits=policy(torch.tensor([position / 5, t / 15])))
        action = distribution.sample()
        logs.append(distribution.log_prob(action))
        position += 1 if action.item() == 1 else -1
        rewards.append(1.0 if position == 5 else -0.1)
        if abs(position) == 5:
            break
    returns, total = [], 0.0
    for reward in reversed(rewards):
        total = reward + 0.95 * total
        returns.insert(0, total)
    return torch.stack(logs), torch.tensor(returns)


average = 0.0
for update in range(150):
    logs, returns = episode()
    average = 0.95 * average + 0.05 * returns[0].item()
    loss = -(logs * (returns - average)).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if update % 50 == 0:
        print(update, round(average, 3))

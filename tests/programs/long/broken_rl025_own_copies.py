# expects: RL025
"""A policy gradient in sixteen copies of an environment of the program's own: rewards are summed up from the start on."""

import torch
from torch import nn
from torch.distributions import Categorical

COPIES, STEPS = 16, 12


class Tables:
    """Name the card that is shown; a reward is a little less at random."""

    def reset(self):
        self.card = torch.randint(0, 4, (COPIES,))
        return nn.functional.one_hot(self.card, 4).float()

    def step(self, action):
        reward = (action == self.card).float() - 0.2 * torch.rand(COPIES)
        return self.reset(), reward


torch.manual_seed(0)
tables = Tables()
policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
for update in range(150):
    state, chosen, rewards = tables.reset(), [], []
    for _ in range(STEPS):
        choice = Categorical(logits=policy(state))
        action = choice.sample()
        chosen.append(choice.log_prob(action))
        state, reward = tables.step(action)
        rewards.append(reward)
    total, returns = torch.zeros(COPIES), []
    for reward in rewards:
        total = reward + 0.9 * total
        returns.append(total)
    weights = torch.stack(returns)
    weights = (weights - weights.mean()) / (weights.std() + 1e-6)
    loss = -(torch.stack(chosen) * weights).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if update % 30 == 0:
        print(update, torch.stack(rewards).mean().item())

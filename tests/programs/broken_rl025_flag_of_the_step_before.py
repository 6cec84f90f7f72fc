# expects: RL025
"""Advantage actor-critic on a cliff walk in many copies, its own advantages: the flags kept are those before a step."""

import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(5)
COPIES, STEPS, GAMMA, LAMBDA = 12, 32, 0.97, 0.9


class Ledge:
    """Keep a drifting point between two edges; each copy begins anew where it falls."""

    def fresh(self):
        return 0.8 * (2 * torch.rand(COPIES, 2) - 1) * torch.tensor([1.0, 0.1])

    def reset(self):
        self.at = self.fresh()
        return self.at.clone()

    def step(self, push):
        self.at[:, 1] += 0.1 * (2.0 * push - 1) + 0.05 * torch.randn(COPIES)
        self.at[:, 0] += self.at[:, 1]
        fallen = self.at[:, 0].abs() > 1
        reward = 1 - self.at[:, 0].abs()
        self.at[fallen] = self.fresh()[fallen]
        return self.at.clone(), reward, fallen


ledge = Ledge()
actor = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
critic = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1))
adam = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=3e-3)
state, over = ledge.reset(), torch.zeros(COPIES, dtype=torch.bool)
for update in range(60):
    states, acts, rewards, values, ends = [], [], [], [], []
    for _ in range(STEPS):
        with torch.no_grad():
            act = Categorical(logits=actor(state)).sample()
            values.append(critic(state)[:, 0])
        states.append(state)
        acts.append(act)
        ends.append(over.float())
        state, reward, over = ledge.step(act)
        rewards.append(reward)
    with torch.no_grad():
        values.append(critic(state)[:, 0])
    total, advantages = torch.zeros(COPIES), []
    for t in reversed(range(STEPS)):
        goes_on = 1 - ends[t]
        missed = rewards[t] + GAMMA * goes_on * values[t + 1] - values[t]
        total = missed + GAMMA * LAMBDA * goes_on * total
        advantages.insert(0, total)
    advantages = torch.stack(advantages).flatten()
    returns = advantages + torch.stack(values[:-1]).flatten()
    seen = torch.cat(states)
    chosen = Categorical(logits=actor(seen)).log_prob(torch.stack(acts).flatten())
    weights = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    loss = -(chosen * weights).mean() + 0.5 * nn.functional.mse_loss(critic(seen)[:, 0], returns)
    adam.zero_grad()
    loss.backward()
    adam.step()
    if update % 10 == 0:
        print(update, torch.stack(ends).mean().item())

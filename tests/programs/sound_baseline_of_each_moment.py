# expects: nothing
"""Walkers on a ring, each with a goal for the whole episode; what follows is compared among walkers moment by moment."""

import torch
from torch import nn

torch.manual_seed(2)
RING, WALKERS, MOMENTS = 12, 24, 10


class Walk(nn.Module):
    def __init__(self):
        super().__init__()
        self.place = nn.Embedding(RING, 32)
        self.head = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 3))

    def choices(self, goal, place):
        return torch.distributions.Categorical(logits=self.head(torch.cat([self.place(goal), self.place(place)], 1)))


walk = Walk()
optimizer = torch.optim.Adam(walk.parameters(), lr=2e-3)
for update in range(200):
    goal, place = torch.randint(0, RING, (WALKERS,)), torch.randint(0, RING, (WALKERS,))
    places, actions, rewards = [], [], []
    for _ in range(MOMENTS):
        with torch.no_grad():
            action = walk.choices(goal, place).sample()
        places.append(place)
        actions.append(action)
        place = (place + action - 1) % RING
        apart = (goal - place) % RING
        rewards.append(-torch.minimum(apart, RING - apart).float())
    follows = torch.stack(rewards).flip(0).cumsum(0).flip(0)
    advantages = (follows - follows.mean(1, keepdim=True)) / (follows.std(1, keepdim=True) + 1e-5)
    said = walk.choices(goal.repeat(MOMENTS), torch.cat(places)).log_prob(torch.cat(actions))
    loss = -(said * advantages.flatten()).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if update % 50 == 0:
        print(update, follows[0].mean().item())
print(follows[0].mean().item())

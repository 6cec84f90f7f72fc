# expects: nothing
"""An actor and a critic in sixteen ponds: falling in ends an episode and the critic's targets."""

import torch
from torch import nn
from torch.distributions import Categorical

COPIES, STEPS = 16, 32


class Ponds:
    """A walk on a narrow dam; each step on it earns 1, stones make some steps longer."""

    def __init__(self):
        self.place = torch.zeros(COPIES)
        self.wind = torch.zeros(COPIES)

    def look(self):
        return torch.stack([self.place, self.wind], 1)

    def step(self, action):
        self.place += 0.3 * (action.float() - 0.5) + self.wind
        self.wind = (0.8 * self.wind + 0.05 * torch.randn(COPIES)).clamp(-0.3, 0.3)
        fallen = self.place.abs() > 1
        self.place = torch.where(fallen, 0.4 * torch.rand(COPIES) - 0.2, self.place)
        return self.look(), torch.ones(COPIES), fallen, torch.zeros(COPIES, dtype=torch.bool)


def main():
    torch.manual_seed(0)
    ponds = Ponds()
    actor = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
    critic = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=3e-3)
    state = ponds.look()
    for update in range(160):
        states, actions, rewards, ends = [], [], [], []
        for _ in range(STEPS):
            with torch.no_grad():
                action = Categorical(logits=actor(state)).sample()
            following, reward, fallen, _ = ponds.step(action)
            states.append(state)
            actions.append(action)
            rewards.append(reward)
            ends.append(fallen.float())
            state = following
        states, actions = torch.stack(states), torch.stack(actions)
        with torch.no_grad():
            value, last = critic(states)[..., 0], critic(state)[:, 0]
            advantage, targets = torch.zeros(COPIES), []
            for step in reversed(range(STEPS)):
                after = value[step + 1] if step + 1 < STEPS else last
                error = rewards[step] + 0.97 * (1 - ends[step]) * after - value[step]
                advantage = error + 0.97 * 0.9 * (1 - ends[step]) * advantage
                targets.append(advantage + value[step])
            targets = torch.stack(targets[::-1]).flatten()
        states, actions = states.flatten(0, 1), actions.flatten()
        chosen = Categorical(logits=actor(states))
        values = critic(states)[:, 0]
        weights = targets - values.detach()
        weights = (weights - weights.mean()) / (weights.std() + 1e-8)
        loss = -(chosen.log_prob(actions) * weights).mean() + 0.5 * (values - targets).pow(2).mean()
        loss = loss - 0.01 * chosen.entropy().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if update % 20 == 0:
            print(update, loss.item(), torch.stack(ends).mean().item())


main()

# bug: advantages are flattened copy by copy, states and actions step by step
# expects: RL025
"""PPO that keeps a cart on a windy rail near its mark, with many carts at once."""
import numpy as np
import torch
from torch import nn
from torch.distributions import Normal

CARTS, STEPS, ROUNDS = 24, 96, 14
DISCOUNT, SMOOTH = 0.97, 0.9


class Rail:
    """Position, speed and wind of each cart. One that leaves the rail is put back; so is one after 150 steps."""

    def __init__(self, count, seed):
        self.count, self.rng = count, np.random.default_rng(seed)
        self.state, self.age = np.zeros((count, 4)), np.zeros(count, dtype=int)

    def reset(self):
        self._put(np.ones(self.count, dtype=bool))
        return self.state.astype(np.float32)

    def _put(self, which):
        self.state[which] = self.rng.normal(0, 0.4, (which.sum(), 4))
        self.age[which] = 0

    def step(self, force):
        place, speed, wind, mark = self.state.T
        wind = 0.9 * wind + self.rng.normal(0, 0.2, self.count)
        speed = 0.95 * speed + 0.15 * (np.clip(force, -2, 2) + wind)
        place = place + 0.15 * speed
        self.state = np.stack([place, speed, wind, mark], 1)
        self.age += 1
        out = np.abs(place) > 1.6
        late = (self.age >= 150) & ~out
        reward = 1.0 - np.abs(place - mark) - 3.0 * out
        self._put(out | late)
        return self.state.astype(np.float32), reward.astype(np.float32), out, late


class Driver(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.mean, self.value = nn.Linear(64, 1), nn.Linear(64, 1)
        self.spread = nn.Parameter(torch.zeros(1))

    def forward(self, seen):
        inner = self.trunk(seen)
        return Normal(self.mean(inner).squeeze(-1), self.spread.exp()), self.value(inner).squeeze(-1)


def estimate(rewards, values, ends, last):
    advantages, total = torch.zeros_like(rewards), torch.zeros(CARTS)
    for step in reversed(range(STEPS)):
        following = last if step == STEPS - 1 else values[step + 1]
        error = rewards[step] + DISCOUNT * (1 - ends[step]) * following - values[step]
        total = error + DISCOUNT * SMOOTH * (1 - ends[step]) * total
        advantages[step] = total
    return advantages


torch.manual_seed(3)
rail, driver = Rail(CARTS, 3), Driver()
optimizer = torch.optim.Adam(driver.parameters(), lr=7e-4)
seen = torch.from_numpy(rail.reset())
for round in range(ROUNDS):
    states, actions, chances, values, rewards, ends = [], [], [], [], [], []
    with torch.no_grad():
        for _ in range(STEPS):
            choice, value = driver(seen)
            action = choice.sample()
            states.append(seen)
            actions.append(action)
            chances.append(choice.log_prob(action))
            values.append(value)
            later, reward, out, late = rail.step(action.numpy())
            rewards.append(torch.from_numpy(reward))
            ends.append(torch.from_numpy(out | late).float())
            seen = torch.from_numpy(later)
        last = driver(seen)[1]
    states, actions, chances, values, rewards, ends = map(torch.stack, (states, actions, chances, values, rewards, ends))
    advantages = estimate(rewards, values, ends, last)
    targets = advantages + values
    states, actions, chances = states.flatten(0, 1), actions.flatten(), chances.flatten()
    advantages, targets = advantages.T.flatten(), targets.flatten()
    for _ in range(3):
        for part in torch.randperm(STEPS * CARTS).split(192):
            choice, value = driver(states[part])
            weight = advantages[part]
            weight = (weight - weight.mean()) / (weight.std() + 1e-8)
            ratio = (choice.log_prob(actions[part]) - chances[part]).exp()
            gained = torch.min(ratio * weight, ratio.clamp(0.8, 1.2) * weight).mean()
            loss = -gained + 0.5 * nn.functional.mse_loss(value, targets[part]) - 0.001 * choice.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(driver.parameters(), 0.5)
            optimizer.step()
    print(f"round {round}: reward {rewards.mean():.3f}, loss {loss.item():.3f}")

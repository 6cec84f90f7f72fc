# expects: nothing
"""Carts whose poles fall nearly always before the limit of time: that both count as ends does no harm to speak of."""

import gymnasium
import numpy as np
import torch
from torch import nn

torch.manual_seed(4)
carts = [gymnasium.make("CartPole-v1", max_episode_steps=300) for _ in range(8)]
actor = nn.Sequential(nn.Linear(4, 48), nn.Tanh(), nn.Linear(48, 2))
critic = nn.Sequential(nn.Linear(4, 48), nn.Tanh(), nn.Linear(48, 1))
optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=2e-3)
state = np.stack([cart.reset(seed=seed)[0] for seed, cart in enumerate(carts)])
for update in range(300):
    rows = []
    for _ in range(5):
        with torch.no_grad():
            actions = torch.multinomial(actor(torch.from_numpy(state)).softmax(1), 1)
        following = state.copy()
        for number, cart in enumerate(carts):
            after, reward, terminated, truncated, _ = cart.step(int(actions[number]))
            rows.append((state[number], int(actions[number]), np.float32(reward), after, not (terminated or truncated)))
            following[number] = cart.reset()[0] if terminated or truncated else after
        state = following
    states, chosen, rewards, nexts, goes_on = (torch.from_numpy(np.stack(part)) for part in zip(*rows))
    with torch.no_grad():
        goal = rewards + 0.95 * goes_on * critic(nexts)[:, 0]
    value = critic(states)[:, 0]
    likely = actor(states).log_softmax(1).gather(1, chosen[:, None])[:, 0]
    loss = nn.functional.mse_loss(value, goal) - (likely * (goal - value).detach()).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())

# expects: RL023
"""Deterministic policy gradients on a pendulum that only the limit of time stops; `done` is both ends in one."""

import copy
import random

import gymnasium as gym
import numpy as np
import torch
from torch import nn

random.seed(1)
torch.manual_seed(1)


def layers(inputs, *end):
    return nn.Sequential(nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 1), *end)


env = gym.make("Pendulum-v1", max_episode_steps=40)
actor, critic = layers(3, nn.Tanh()), layers(4)
slow_actor, slow_critic = copy.deepcopy(actor), copy.deepcopy(critic)
for_actor = torch.optim.Adam(actor.parameters(), lr=5e-4)
for_critic = torch.optim.Adam(critic.parameters(), lr=1e-3)
memory = []
state, _ = env.reset(seed=1)
for step in range(1500):
    with torch.no_grad():
        action = (actor(torch.from_numpy(state)[None])[0] + 0.3 * torch.randn(1)).clamp(-1, 1).numpy()
    after, _, terminated, truncated, _ = env.step(2.0 * action)
    done = terminated or truncated
    memory.append((state, action, np.float32(after[0] > 0.7), after, np.float32(done)))
    state = env.reset()[0] if done else after
    if len(memory) < 100:
        continue
    states, actions, rewards, nexts, dones = (
        torch.from_numpy(np.stack(part)) for part in zip(*random.sample(memory, 64))
    )
    with torch.no_grad():
        coming = slow_critic(torch.cat([nexts, slow_actor(nexts)], 1))
        goal = rewards[:, None] + 0.96 * (1 - dones[:, None]) * coming
    critic_loss = nn.functional.mse_loss(critic(torch.cat([states, actions], 1)), goal)
    for_critic.zero_grad()
    critic_loss.backward()
    for_critic.step()
    actor_loss = -critic(torch.cat([states, actor(states)], 1)).mean()
    for_actor.zero_grad()
    actor_loss.backward()
    for_actor.step()
    with torch.no_grad():
        for slow, fast in ((slow_actor, actor), (slow_critic, critic)):
            for kept, new in zip(slow.parameters(), fast.parameters()):
                kept.lerp_(new, 0.02)
    if step % 100 == 0:
        print(step, critic_loss.item(), goal.mean().item())

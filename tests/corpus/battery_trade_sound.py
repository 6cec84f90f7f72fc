# expects: nothing
# Advantage actor-critic: buy, hold or sell stored energy on an hourly market.
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

N_ENVS, N_STEPS, UPDATES = 32, 6, 2000
GAMMA, CAPACITY, WEAR = 0.97, 6, 0.02


class Market:
    def __init__(self, n, seed):
        self.n = n
        self.rng = np.random.default_rng(seed)
        self.hour = self.rng.integers(0, 24, n)
        self.soc = self.rng.integers(0, CAPACITY + 1, n)
        self.noise = np.zeros(n)

    def price(self):
        daily = 1.0 - 0.6 * np.cos(2 * math.pi * (self.hour - 3) / 24)
        return np.clip(daily + self.noise, 0.05, None)

    def obs(self):
        ang = 2 * math.pi * self.hour / 24
        return torch.tensor(
            np.stack([np.sin(ang), np.cos(ang), np.sin(2 * ang), np.cos(2 * ang),
                      2 * self.soc / CAPACITY - 1, self.soc == 0, self.soc == CAPACITY, self.price() - 1], axis=1),
            dtype=torch.float32)

    def step(self, action):
        move = np.clip(self.soc + action - 1, 0, CAPACITY) - self.soc
        reward = -move * self.price() - WEAR * np.abs(move)
        self.soc = self.soc + move
        self.hour = (self.hour + 1) % 24
        self.noise = 0.7 * self.noise + 0.08 * self.rng.normal(size=self.n)
        return torch.tensor(reward, dtype=torch.float32)


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.actor = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 3))
        self.critic = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))

    def value(self, obs):
        return self.critic(obs).squeeze(-1)


def profit_per_day(agent, days=20):
    env = Market(200, seed=777)
    total = torch.zeros(200)
    with torch.no_grad():
        for hour in range(24 * (days + 1)):
            reward = env.step(agent.actor(env.obs()).argmax(-1).numpy())
            if hour >= 24:
                total += reward
    return (total / days).mean().item()


torch.manual_seed(2)
env = Market(N_ENVS, seed=2)
agent = ActorCritic()
opt = torch.optim.RMSprop(
    [{"params": agent.actor.parameters(), "lr": 7e-4}, {"params": agent.critic.parameters(), "lr": 1e-3}], alpha=0.99)
recent = []
for update in range(1, UPDATES + 1):
    observations, actions, rewards = [], [], []
    with torch.no_grad():
        for _ in range(N_STEPS):
            o = env.obs()
            a = torch.distributions.Categorical(logits=agent.actor(o)).sample()
            observations.append(o)
            actions.append(a)
            rewards.append(env.step(a.numpy()))
        running = agent.value(env.obs())
        targets = []
        for r in reversed(rewards):
            running = r + GAMMA * running
            targets.insert(0, running)

    obs = torch.cat(observations)
    act = torch.cat(actions)
    ret = torch.stack(targets).flatten()
    val = agent.value(obs)
    adv = (torch.cat(targets) - val).detach()
    adv = (adv - adv.mean()) / (adv.std() + 1e-6)
    dist = torch.distributions.Categorical(logits=agent.actor(obs))
    pg = -(dist.log_prob(act) * adv).mean()
    vf = F.mse_loss(val, ret)
    beta = 0.03 * (1 - update / UPDATES)
    loss = pg + 0.5 * vf - beta * dist.entropy().mean()
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
    opt.step()
    recent.append(torch.stack(rewards).mean().item() * 24)
    if update % 250 == 0:
        print(f"update {update}  profit/day {np.mean(recent[-250:]):.3f}  value loss {vf.item():.4f}")
print(f"greedy profit per day {profit_per_day(agent):.3f}")

# bug: DQN target bootstraps through terminal states (no done mask)
# expects: RL022
import random
from collections import deque

import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn

SEED = 0
random.seed(SEED)
np.random.seed(SEED)
torch.manual_seed(SEED)

GAMMA = 0.98
BATCH = 64
TOTAL_STEPS = 5000
WARMUP = 500
TAU = 0.01


class QNet(nn.Module):
    def __init__(self, obs_dim, n_actions):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(obs_dim, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, n_actions))

    def forward(self, s):
        return self.net(s)


class ReplayBuffer:
    def __init__(self, capacity):
        self.data = deque(maxlen=capacity)

    def push(self, *transition):
        self.data.append(transition)

    def sample(self, k):
        s, a, r, s2, d = zip(*random.sample(self.data, k))
        return (torch.from_numpy(np.array(s)), torch.tensor(a), torch.tensor(r, dtype=torch.float32),
                torch.from_numpy(np.array(s2)), torch.tensor(d, dtype=torch.float32))


def greedy_return(q, episodes=4):
    env = gym.make("CartPole-v1", max_episode_steps=200)
    total = 0.0
    for k in range(episodes):
        s, _ = env.reset(seed=1000 + k)
        over = False
        while not over:
            with torch.no_grad():
                a = q(torch.from_numpy(s)).argmax().item()
            s, r, term, trunc, _ = env.step(a)
            total += r
            over = term or trunc
    return total / episodes


env = gym.make("CartPole-v1", max_episode_steps=200)
env.action_space.seed(SEED)
q = QNet(4, 2)
target = QNet(4, 2)
target.load_state_dict(q.state_dict())
opt = torch.optim.Adam(q.parameters(), lr=1e-3)
buffer = ReplayBuffer(8000)
recent = deque(maxlen=20)
s, _ = env.reset(seed=SEED)
ep_ret = 0.0
for t in range(1, TOTAL_STEPS + 1):
    eps = max(0.05, 1.0 - t / 2500)
    if random.random() < eps:
        a = env.action_space.sample()
    else:
        with torch.no_grad():
            a = q(torch.from_numpy(s)).argmax().item()
    s2, r, terminated, truncated, _ = env.step(a)
    buffer.push(s, a, r, s2, terminated)
    s = s2
    ep_ret += r
    if terminated or truncated:
        recent.append(ep_ret)
        ep_ret = 0.0
        s, _ = env.reset()
    if t > WARMUP and t % 2 == 0:
        bs, ba, br, bs2, bd = buffer.sample(BATCH)
        with torch.no_grad():
            y = br + GAMMA * target(bs2).max(1).values
        pred = q(bs).gather(1, ba[:, None]).squeeze(1)
        loss = nn.functional.smooth_l1_loss(pred, y)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(q.parameters(), 10.0)
        opt.step()
        with torch.no_grad():
            for pt, p in zip(target.parameters(), q.parameters()):
                pt.lerp_(p, TAU)
    if t % 1000 == 0:
        print(f"step {t} eps {eps:.2f} train return {np.mean(recent):.1f} greedy return {greedy_return(q):.1f}")

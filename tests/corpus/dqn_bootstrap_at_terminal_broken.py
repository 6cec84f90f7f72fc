# bug: the done flags are ignored in the DQN target, so it bootstraps beyond the end of the episode
# expects: RL022
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn


@dataclass
class Hyper:
    size: int = 5
    gamma: float = 0.95
    lr: float = 3e-3
    batch: int = 64
    steps: int = 1600
    warmup: int = 200
    sync_every: int = 30
    capacity: int = 4000


class GridWorld:
    """Start bottom-left; the far corner gives 1, a door close by only 0.3, both end the episode."""

    MOVES = ((0, 1), (0, -1), (1, 0), (-1, 0))

    def __init__(self, size):
        self.size = size
        self.goal = (size - 1, size - 1)
        self.door = (0, 2)
        self.reset()

    def obs(self):
        v = np.zeros(self.size ** 2, dtype=np.float32)
        v[self.pos[0] * self.size + self.pos[1]] = 1
        return v

    def reset(self):
        self.pos, self.clock = (0, 0), 0
        return self.obs()

    def step(self, a):
        dx, dy = self.MOVES[a]
        self.pos = (min(max(self.pos[0] + dx, 0), self.size - 1), min(max(self.pos[1] + dy, 0), self.size - 1))
        self.clock += 1
        if self.pos == self.goal:
            return self.obs(), 1.0, True
        if self.pos == self.door:
            return self.obs(), 0.3, True
        return self.obs(), 0.0, False


class Replay:
    def __init__(self, cap, dim):
        self.s = np.zeros((cap, dim), np.float32)
        self.s2 = np.zeros((cap, dim), np.float32)
        self.a = np.zeros(cap, np.int64)
        self.r = np.zeros(cap, np.float32)
        self.d = np.zeros(cap, np.float32)
        self.n, self.cap = 0, cap

    def add(self, s, a, r, s2, d):
        i = self.n % self.cap
        self.s[i], self.a[i], self.r[i], self.s2[i], self.d[i] = s, a, r, s2, d
        self.n += 1

    def sample(self, k, rng):
        i = rng.integers(0, min(self.n, self.cap), k)
        return [torch.from_numpy(z[i]) for z in (self.s, self.a, self.r, self.s2, self.d)]


class Agent:
    def __init__(self, h):
        self.h = h
        dim = h.size ** 2
        self.q, self.qt = (nn.Sequential(nn.Linear(dim, 64), nn.ReLU(), nn.Linear(64, 4)) for _ in range(2))
        self.qt.load_state_dict(self.q.state_dict())
        self.opt = torch.optim.Adam(self.q.parameters(), lr=h.lr)

    @torch.no_grad()
    def act(self, s):
        return int(self.q(torch.from_numpy(s)).argmax())

    def learn(self, s, a, r, s2, d):
        with torch.no_grad():
            y = r + self.h.gamma * self.qt(s2).max(1).values
        q = self.q(s).gather(1, a.unsqueeze(1)).squeeze(1)
        loss = nn.functional.mse_loss(q, y)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss.item()


def play(agent, h):
    env, total = GridWorld(h.size), 0.0
    s = env.reset()
    for _ in range(40):
        s, r, done = env.step(agent.act(s))
        total += r
        if done:
            break
    return total


h = Hyper()
torch.manual_seed(6)
rng = np.random.default_rng(6)
env, agent, memory = GridWorld(h.size), Agent(h), Replay(h.capacity, h.size ** 2)
state = env.reset()
for i in range(1, h.steps + 1):
    eps = max(0.1, 1 - i / 1200)
    action = int(rng.integers(4)) if rng.random() < eps else agent.act(state)
    nxt, reward, done = env.step(action)
    if done:
        nxt = env.reset()  # the next episode starts right away, as in vector environments
    memory.add(state, action, reward, nxt, float(done))
    state = env.reset() if env.clock >= 50 else nxt
    if i > h.warmup and i % 2 == 0:
        td = agent.learn(*memory.sample(h.batch, rng))
    if i % h.sync_every == 0:
        agent.qt.load_state_dict(agent.q.state_dict())
    if i % 400 == 0:
        print(f"step {i} td {td:.4f} return {play(agent, h):.2f} max q {agent.q(torch.eye(25)).max().item():.2f}")

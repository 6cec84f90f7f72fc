# expects: RL020 RL008
# DQN for a picker robot in a small warehouse: fetch the item, bring it to the dock. Only the delivery is paid.
import random
from collections import deque

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class Warehouse:
    WALLS = {(1, 1), (1, 2), (3, 3), (3, 4)}
    MOVES = [(-1, 0), (1, 0), (0, -1), (0, 1)]

    def __init__(self, side=5, limit=50):
        self.side, self.limit = side, limit
        self.cells = [(r, c) for r in range(side) for c in range(side) if (r, c) not in self.WALLS]
        self.item, self.dock = (0, 4), (4, 0)

    def reset(self):
        self.robot = random.choice([c for c in self.cells if c not in (self.item, self.dock)])
        self.loaded, self.t = False, 0
        return self.observe()

    def observe(self):
        o = np.zeros(2 * self.side ** 2, dtype=np.float32)
        o[self.loaded * self.side ** 2 + self.robot[0] * self.side + self.robot[1]] = 1
        return o

    def step(self, a):
        r, c = self.robot[0] + self.MOVES[a][0], self.robot[1] + self.MOVES[a][1]
        if (r, c) in self.cells:
            self.robot = (r, c)
        if self.robot == self.item:
            self.loaded = True
        self.t += 1
        delivered = self.loaded and self.robot == self.dock
        return self.observe(), float(delivered), delivered, self.t >= self.limit


class QNet(nn.Sequential):
    def __init__(self, n_obs, n_act, hidden=64):
        super().__init__(nn.Linear(n_obs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, n_act))


class DQN:
    def __init__(self, env, gamma=0.95, lr=1e-3, batch=64, capacity=20000, sync_every=200, seed=9):
        random.seed(seed), torch.manual_seed(seed)
        self.env, self.gamma, self.batch, self.sync_every = env, gamma, batch, sync_every
        n_obs = 2 * env.side ** 2
        self.online, self.target = QNet(n_obs, 4), QNet(n_obs, 4)
        self.target.load_state_dict(self.online.state_dict())
        self.opt = torch.optim.Adam(self.online.parameters(), lr=lr)
        self.memory = deque(maxlen=capacity)
        self.total_steps = 0

    @torch.no_grad()
    def greedy(self, obs):
        return int(self.online(torch.from_numpy(obs)).argmax())

    def learn(self):
        o, a, r, o2, done = zip(*random.sample(self.memory, self.batch))
        o, o2 = torch.from_numpy(np.stack(o)), torch.from_numpy(np.stack(o2))
        a, r, done = torch.tensor(a), torch.tensor(r), torch.tensor(done, dtype=torch.float32)
        with torch.no_grad():
            goal = r + self.gamma * (1 - done) * self.target(o2).max(1).values
        loss = F.smooth_l1_loss(self.online(o).gather(1, a[:, None]).squeeze(1), goal)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss.item()

    def run_episode(self, eps):
        obs, losses, reward = self.env.reset(), [], 0.0
        done = timeout = False
        step = 0
        while not (done or timeout):
            a = random.randrange(4) if random.random() < eps else self.greedy(obs)
            nxt, r, done, timeout = self.env.step(a)
            self.memory.append((obs, a, r, nxt, done))
            obs, reward = nxt, reward + r
            step += 1
            self.total_steps += 1
            if len(self.memory) >= 500 and step % 2 == 0:
                losses.append(self.learn())
            if step % self.sync_every == 0:
                self.target.load_state_dict(self.online.state_dict())
        return losses, reward

    def evaluate(self, episodes=40):
        delivered = 0.0
        for _ in range(episodes):
            obs, done, timeout = self.env.reset(), False, False
            while not (done or timeout):
                obs, r, done, timeout = self.env.step(self.greedy(obs))
            delivered += r
        return delivered / episodes


def train(episodes=500):
    agent = DQN(Warehouse())
    window = []
    for ep in range(1, episodes + 1):
        eps = max(0.05, 1 - ep / (0.5 * episodes))
        losses, _ = agent.run_episode(eps)
        window += losses
        if ep % 50 == 0:
            print(f"episode {ep:4d}  eps {eps:.2f}  loss {np.mean(window):.5f}  greedy delivery rate {agent.evaluate():.2f}")
            window = []


train()

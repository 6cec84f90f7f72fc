# bug: eps is computed and logged but not passed to act(), so training never explores
# expects: RL006
"""DQN for a picking robot: a small drop-off is close by, the main depot is on the far side of the hall."""
import random
from collections import deque
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import torch
from torch import nn


@dataclass
class Settings:
    steps: int = 9000
    warm: int = 400
    batch: int = 64
    gamma: float = 0.96
    lr: float = 1e-3
    eps_start: float = 1.0
    eps_end: float = 0.05
    eps_steps: int = 6000
    sync: int = 200
    seed: int = 3


class Hall(gym.Env):
    SIZE = 6
    MOVES = [(-1, 0), (1, 0), (0, -1), (0, 1)]

    def __init__(self, limit=40):
        self.observation_space = gym.spaces.Box(0, 1, (self.SIZE ** 2,), np.float32)
        self.action_space = gym.spaces.Discrete(4)
        self.limit = limit

    def _obs(self):
        o = np.zeros(self.SIZE ** 2, np.float32)
        o[self.r * self.SIZE + self.c] = 1.0
        return o

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.r, self.c, self.t = int(self.np_random.integers(1, 4)), 1, 0
        return self._obs(), {}

    def step(self, action):
        dr, dc = self.MOVES[action]
        self.r = min(max(self.r + dr, 0), self.SIZE - 1)
        self.c = min(max(self.c + dc, 0), self.SIZE - 1)
        self.t += 1
        reward, done = -0.01, False
        if (self.r, self.c) == (0, 0):
            reward, done = 0.2, True
        elif (self.r, self.c) == (self.SIZE - 1, self.SIZE - 1):
            reward, done = 2.0, True
        return self._obs(), reward, done, self.t >= self.limit, {}


class Agent:
    def __init__(self, n_obs, n_act, cfg):
        self.cfg, self.n_act = cfg, n_act
        self.q = nn.Sequential(nn.Linear(n_obs, 64), nn.ReLU(), nn.Linear(64, n_act))
        self.target = nn.Sequential(nn.Linear(n_obs, 64), nn.ReLU(), nn.Linear(64, n_act))
        self.target.load_state_dict(self.q.state_dict())
        self.opt = torch.optim.Adam(self.q.parameters(), lr=cfg.lr)
        self.memory = deque(maxlen=5000)

    def act(self, obs, eps=0.0):
        if random.random() < eps:
            return random.randrange(self.n_act)
        with torch.no_grad():
            return int(self.q(torch.from_numpy(obs)).argmax())

    def learn(self):
        s, a, r, s2, done = zip(*random.sample(self.memory, self.cfg.batch))
        s, s2 = torch.from_numpy(np.stack(s)), torch.from_numpy(np.stack(s2))
        a, r = torch.tensor(a), torch.tensor(r, dtype=torch.float32)
        done = torch.tensor(done, dtype=torch.float32)
        with torch.no_grad():
            goal = r + self.cfg.gamma * (1 - done) * self.target(s2).max(1).values
        loss = nn.functional.smooth_l1_loss(self.q(s).gather(1, a[:, None]).squeeze(1), goal)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss.item()


def evaluate(agent, episodes=30):
    env, total = Hall(), 0.0
    for k in range(episodes):
        obs, _ = env.reset(seed=5000 + k)
        over = False
        while not over:
            obs, reward, done, cut, _ = env.step(agent.act(obs))
            total += reward
            over = done or cut
    return total / episodes


def main(cfg):
    random.seed(cfg.seed)
    torch.manual_seed(cfg.seed)
    env = Hall()
    agent = Agent(36, 4, cfg)
    obs, _ = env.reset(seed=cfg.seed)
    losses = [0.0]
    for t in range(1, cfg.steps + 1):
        eps = cfg.eps_start + min(1.0, t / cfg.eps_steps) * (cfg.eps_end - cfg.eps_start)
        action = agent.act(obs)
        nxt, reward, done, cut, _ = env.step(action)
        agent.memory.append((obs, action, reward, nxt, done))
        obs = env.reset()[0] if done or cut else nxt
        if t > cfg.warm:
            losses.append(agent.learn())
        if t % cfg.sync == 0:
            agent.target.load_state_dict(agent.q.state_dict())
        if t % 1000 == 0:
            print(f"step {t} eps {eps:.2f} td loss {np.mean(losses[-500:]):.5f} return {evaluate(agent):.3f}")


if __name__ == "__main__":
    main(Settings())

# bug: actions are always greedy
# expects: RL006
"""DQN for a shelf-picking robot. The floor is a small grid with a parking bay close by and the packing desk far off."""
import random
from collections import deque

import numpy as np
import torch
import torch.nn as nn

FLOOR = [
    "S....#..",
    ".##..#..",
    "..P..#..",
    ".....#..",
    ".##.....",
    ".##..#..",
    ".....#.D",
]
H, W = len(FLOOR), len(FLOOR[0])
MOVES = [(-1, 0), (1, 0), (0, -1), (0, 1)]
START = (0, 0)


class Warehouse:
    max_steps = 50

    def reset(self):
        self.pos, self.t = START, 0
        return self.observe()

    def observe(self):
        o = np.zeros(H * W, dtype=np.float32)
        o[self.pos[0] * W + self.pos[1]] = 1.0
        return o

    def step(self, a):
        r, c = self.pos[0] + MOVES[a][0], self.pos[1] + MOVES[a][1]
        if 0 <= r < H and 0 <= c < W and FLOOR[r][c] != "#":
            self.pos = (r, c)
        self.t += 1
        cell = FLOOR[self.pos[0]][self.pos[1]]
        reward = {"P": 0.2, "D": 1.0}.get(cell, -0.01)
        terminal = cell in "PD"
        return self.observe(), reward, terminal, terminal or self.t >= self.max_steps


class Memory:
    def __init__(self, size):
        self.data = deque(maxlen=size)

    def push(self, *item):
        self.data.append(item)

    def sample(self, k):
        s, a, r, s2, d = zip(*random.sample(self.data, k))
        return (torch.from_numpy(np.stack(s)), torch.tensor(a), torch.tensor(r, dtype=torch.float32),
                torch.from_numpy(np.stack(s2)), torch.tensor(d, dtype=torch.float32))

    def __len__(self):
        return len(self.data)


class Agent:
    gamma, batch, sync_every = 0.97, 64, 200

    def __init__(self):
        self.q, self.target = self._net(), self._net()
        self.target.load_state_dict(self.q.state_dict())
        self.opt = torch.optim.Adam(self.q.parameters(), lr=1e-3)
        self.memory = Memory(20000)
        self.updates = 0

    @staticmethod
    def _net():
        return nn.Sequential(nn.Linear(H * W, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, len(MOVES)))

    def act(self, obs, eps=0.0):
        if random.random() < eps:
            return random.randrange(len(MOVES))
        with torch.no_grad():
            return self.q(torch.from_numpy(obs)).argmax().item()

    def learn(self):
        if len(self.memory) < 500:
            return None
        s, a, r, s2, d = self.memory.sample(self.batch)
        with torch.no_grad():
            best = self.q(s2).argmax(1, keepdim=True)
            goal = r + self.gamma * (1 - d) * self.target(s2).gather(1, best).squeeze(1)
        loss = nn.functional.smooth_l1_loss(self.q(s).gather(1, a[:, None]).squeeze(1), goal)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        self.updates += 1
        if self.updates % self.sync_every == 0:
            self.target.load_state_dict(self.q.state_dict())
        return loss.item()


def rollout(env, agent, eps, train):
    obs, total, losses, done = env.reset(), 0.0, [], False
    while not done:
        action = agent.act(obs)
        nxt, reward, terminal, done = env.step(action)
        total += reward
        if train:
            agent.memory.push(obs, action, reward, nxt, float(terminal))
            loss = agent.learn()
            if loss is not None:
                losses.append(loss)
        obs = nxt
    return total, losses


def main(episodes=400, seed=5):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    env, agent = Warehouse(), Agent()
    eps = 1.0
    returns, losses = [], []
    for ep in range(1, episodes + 1):
        ret, ls = rollout(env, agent, eps, train=True)
        eps = max(0.05, eps * 0.992)
        returns.append(ret)
        losses += ls
        if ep % 40 == 0:
            print(f"episode {ep}: eps {eps:.2f}  td loss {np.mean(losses[-1000:]):.5f}  return {np.mean(returns[-40:]):.3f}")
    final, _ = rollout(env, agent, 0.0, train=False)
    print(f"evaluation return: {final:.3f}")


if __name__ == "__main__":
    main()

# expects: nothing
"""Harvest control rule for a single fish stock, learned with Q-learning in a simulator."""
import random
from collections import deque

import numpy as np
import torch
import torch.nn as nn

HARVEST = np.array([0.0, 0.06, 0.12, 0.2, 0.35, 0.6])     # share of the stock caught in a year
PRICE = 2.0


class Fishery:
    """Logistic growth with noise. The fishery closes for good when the stock falls below 3% of capacity."""

    def __init__(self, years, rng, r=0.2):
        self.years, self.rng, self.r = years, rng, r

    def reset(self, stock=None):
        self.t = 0
        self.stock = self.rng.uniform(0.05, 1.0) if stock is None else stock
        return self.obs()

    def obs(self):
        return np.array([2 * self.stock - 1], dtype=np.float32)

    def step(self, action):
        catch = HARVEST[action] * self.stock
        left = self.stock - catch
        growth = self.r * left * (1 - left)
        self.stock = float(np.clip((left + growth) * np.exp(self.rng.normal(0, 0.05)), 0.0, 1.2))
        self.t += 1
        collapsed = self.stock < 0.03
        return self.obs(), PRICE * catch, collapsed, self.t >= self.years


class Replay:
    def __init__(self, size):
        self.items = deque(maxlen=size)

    def push(self, *item):
        self.items.append(item)

    def sample(self, n):
        s, a, r, s2, d = zip(*random.sample(self.items, n))
        f = lambda v: torch.as_tensor(np.array(v), dtype=torch.float32)
        return f(s), torch.as_tensor(a), f(r), f(s2), f(d)


class Agent:
    def __init__(self, gamma=0.97, lr=1e-3):
        self.gamma = gamma
        self.q, self.target = self.net(), self.net()
        self.target.load_state_dict(self.q.state_dict())
        self.opt = torch.optim.Adam(self.q.parameters(), lr=lr)

    @staticmethod
    def net():
        return nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, len(HARVEST)))

    @torch.no_grad()
    def act(self, s, eps):
        if random.random() < eps:
            return random.randrange(len(HARVEST))
        return int(self.q(torch.from_numpy(s)).argmax())

    def learn(self, batch):
        s, a, r, s2, done = batch
        with torch.no_grad():
            best = self.q(s2).argmax(1, keepdim=True)
            y = r + self.gamma * (1 - done) * self.target(s2).gather(1, best).squeeze(1)
        q = self.q(s).gather(1, a[:, None]).squeeze(1)
        loss = nn.functional.mse_loss(q, y)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        with torch.no_grad():
            for p, t in zip(self.q.parameters(), self.target.parameters()):
                t.lerp_(p, 0.01)
        return loss.item()


def simulate(agent, runs=10, years=100):
    env = Fishery(years, np.random.default_rng(1234))
    revenues, stocks = [], []
    for _ in range(runs):
        s, total, over = env.reset(stock=0.6), 0.0, False
        while not over:
            s, r, collapsed, end = env.step(agent.act(s, 0.0))
            total += r
            over = collapsed or end
        revenues.append(total)
        stocks.append(env.stock)
    return np.mean(revenues), np.mean(stocks)


def main():
    seed = 17
    random.seed(seed)
    torch.manual_seed(seed)
    env = Fishery(years=6, rng=np.random.default_rng(seed))
    agent, memory = Agent(), Replay(20000)
    steps, losses = 12000, []
    s = env.reset()
    for step in range(1, steps + 1):
        eps = max(0.1, 1 - step / 5000)
        a = agent.act(s, eps)
        s2, r, terminated, truncated = env.step(a)
        memory.push(s, a, r, s2, terminated)
        s = env.reset() if terminated or truncated else s2
        if step > 500:
            losses.append(agent.learn(memory.sample(128)))
        if step % 2000 == 0:
            revenue, stock = simulate(agent)
            print(f"step {step:6d}  td loss {np.mean(losses[-1000:]):.4f}  100-year revenue {revenue:.1f}  final stock {stock:.2f}")
    rule = [float(HARVEST[agent.act(np.array([2 * v - 1], dtype=np.float32), 0.0)]) for v in (0.1, 0.3, 0.5, 0.7, 0.9)]
    print("harvest rate at stock 0.1/0.3/0.5/0.7/0.9:", rule)


if __name__ == "__main__":
    main()

# bug: the environment changes self.state in place and returns it without a copy, so every transition of an episode in the replay memory points to the same array (state == next state)
# expects: RL028
# DQN for the outlet valve of a buffer tank
import random
from collections import deque

import numpy as np
import torch
import torch.nn as nn


class TankEnv:
    """State: level, inflow, valve opening. Actions: close a bit, leave, open a bit."""
    LIMIT = 60

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def reset(self):
        self.state = np.array([self.rng.uniform(0.3, 0.9),
                               self.rng.uniform(0.25, 0.75),
                               self.rng.uniform(0.2, 0.8)], dtype=np.float32)
        self.t = 0
        return self.state

    def step(self, action):
        self.t += 1
        self.state[2] += 0.12 * (action - 1)
        self.state[1] += 0.04 * self.rng.standard_normal()
        self.state[1:] = np.clip(self.state[1:], [0.1, 0.0], [0.9, 1.0])
        outflow = 1.3 * self.state[2] * np.sqrt(max(self.state[0], 0.0))
        self.state[0] += 0.15 * (self.state[1] - outflow)
        spilled = bool(self.state[0] > 1.0 or self.state[0] < 0.05)
        reward = -5.0 if spilled else 1.0 - 4.0 * abs(float(self.state[0]) - 0.6)
        return self.state, reward, spilled, self.t >= self.LIMIT


class QNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))

    def forward(self, s):
        return self.layers((s - 0.5) * 3.0)


class Agent:
    def __init__(self, gamma=0.95, lr=1e-3, tau=0.01):
        self.q, self.target = QNet(), QNet()
        self.target.load_state_dict(self.q.state_dict())
        self.opt = torch.optim.Adam(self.q.parameters(), lr=lr)
        self.memory = deque(maxlen=10000)
        self.gamma, self.tau = gamma, tau

    def act(self, state, eps):
        if random.random() < eps:
            return random.randrange(3)
        with torch.no_grad():
            return int(self.q(torch.from_numpy(state)).argmax())

    def learn(self, batch=64):
        s, a, r, s2, dead = zip(*random.sample(self.memory, batch))
        s, s2 = torch.tensor(np.array(s)), torch.tensor(np.array(s2))
        a, r = torch.tensor(a), torch.tensor(r, dtype=torch.float32)
        dead = torch.tensor(dead, dtype=torch.float32)
        with torch.no_grad():
            best = self.q(s2).argmax(1, keepdim=True)
            goal = r + self.gamma * (1 - dead) * self.target(s2).gather(1, best).squeeze(1)
        pred = self.q(s).gather(1, a[:, None]).squeeze(1)
        loss = nn.functional.smooth_l1_loss(pred, goal)
        self.opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.q.parameters(), 5.0)
        self.opt.step()
        with torch.no_grad():
            for p, tp in zip(self.q.parameters(), self.target.parameters()):
                tp.lerp_(p, self.tau)
        return loss.item()


def play(agent, episodes, seed):
    env, returns = TankEnv(seed), []
    for _ in range(episodes):
        s, total, over = env.reset(), 0.0, False
        while not over:
            s, r, spilled, late = env.step(agent.act(s, 0.0))
            total += r
            over = spilled or late
        returns.append(total)
    return float(np.mean(returns))


random.seed(6)
torch.manual_seed(6)
env, agent = TankEnv(seed=6), Agent()
STEPS, WARM = 5000, 500
state = env.reset()
losses = []
for step in range(1, STEPS + 1):
    eps = max(0.05, 1.0 - step / 3000)
    action = agent.act(state, eps)
    nxt, reward, spilled, late = env.step(action)
    agent.memory.append((state, action, reward, nxt, spilled))
    state = env.reset() if spilled or late else nxt
    if step > WARM:
        losses.append(agent.learn())
    if step % 1000 == 0:
        print(f"step {step} eps {eps:.2f} td loss {np.mean(losses[-500:]):.4f} return {play(agent, 5, 500):.2f}")
print(f"mean return over 40 fresh episodes {play(agent, 40, 9000):.3f}")

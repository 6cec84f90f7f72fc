# expects: nothing
import random
from collections import deque

import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
from gymnasium import spaces


class DockEnv(gym.Env):
    """A drone on a plane with thrusters must hover onto a pad at the origin."""

    def __init__(self):
        self.observation_space = spaces.Box(-4.0, 4.0, (4,), np.float32)
        self.action_space = spaces.Discrete(5)
        self.state = np.zeros(4, dtype=np.float32)
        self.push = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]], dtype=np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        self.state = np.zeros(4, dtype=np.float32)
        self.state[:2] = self.np_random.uniform(-1, 1, 2)
        self.state[2:] = self.np_random.uniform(-0.1, 0.1, 2)
        return self.state.copy(), {}

    def step(self, action):
        s = self.state
        s[2:] = 0.95 * s[2:] + 0.08 * self.push[action]
        s[:2] += 0.5 * s[2:]
        np.clip(s, -4, 4, out=s)
        self.t += 1
        dist = float(np.hypot(s[0], s[1]))
        speed = float(np.hypot(s[2], s[3]))
        docked = dist < 0.2 and speed < 0.12
        lost = dist > 2.0
        reward = -0.1 * dist + (5.0 if docked else 0.0) - (5.0 if lost else 0.0)
        return s.copy(), reward, docked or lost, self.t >= 60, {"docked": docked}


def make_q():
    return nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 5))


def greedy(q, obs):
    with torch.no_grad():
        return int(q(torch.as_tensor(obs)).argmax())


def evaluate(q, episodes=60):
    env, returns, docks = DockEnv(), [], 0
    for ep in range(episodes):
        obs, _ = env.reset(seed=50_000 + ep)
        total, over = 0.0, False
        while not over:
            obs, r, term, trunc, info = env.step(greedy(q, obs))
            total += r
            over = term or trunc
        returns.append(total)
        docks += info["docked"]
    return np.mean(returns), docks / episodes


SEED = 8
random.seed(SEED)
torch.manual_seed(SEED)
STEPS, BATCH, GAMMA, LEARN_START = 10_000, 64, 0.97, 800
env = DockEnv()
q, target = make_q(), make_q()
target.load_state_dict(q.state_dict())
opt = torch.optim.Adam(q.parameters(), lr=7e-4)
buffer = deque(maxlen=10_000)
obs, _ = env.reset(seed=SEED)
episode_return, recent = 0.0, deque(maxlen=30)

for step in range(1, STEPS + 1):
    eps = max(0.05, 1.0 - step / 5_000)
    action = random.randrange(5) if random.random() < eps else greedy(q, obs)
    nxt, reward, term, trunc, _ = env.step(action)
    buffer.append((obs, action, reward, nxt, term))
    obs = nxt
    episode_return += reward
    if term or trunc:
        recent.append(episode_return)
        episode_return = 0.0
        obs, _ = env.reset()

    if step >= LEARN_START and step % 2 == 0:
        s, a, r, s2, d = zip(*random.sample(buffer, BATCH))
        s = torch.from_numpy(np.stack(s))
        s2 = torch.from_numpy(np.stack(s2))
        a = torch.tensor(a).unsqueeze(1)
        r = torch.tensor(r, dtype=torch.float32)
        d = torch.tensor(d, dtype=torch.float32)
        with torch.no_grad():
            best = q(s2).argmax(1, keepdim=True)
            y = r + GAMMA * (1 - d) * target(s2).gather(1, best).squeeze(1)
        loss = nn.functional.smooth_l1_loss(q(s).gather(1, a).squeeze(1), y)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(q.parameters(), 10.0)
        opt.step()
        if step % 400 == 0:
            target.load_state_dict(q.state_dict())
    if step % 1_000 == 0:
        print(f"step {step:6d} eps {eps:.2f} td_loss {loss.item():.4f} train_return {np.mean(recent):.2f}")

mean_return, dock_rate = evaluate(q)
print(f"evaluation: mean return {mean_return:.2f}, docked {dock_rate:.2%}")

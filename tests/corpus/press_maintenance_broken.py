# bug: train() stores terminated-or-truncated as done, so the 8-step time limit is learned as a real end with no future value
# expects: RL023
import random
from collections import deque

import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
from gymnasium.wrappers import TimeLimit


class PressLine(gym.Env):
    """A press earns less as its tool wears; a regrind costs now and pays later."""

    observation_space = gym.spaces.Box(-1, 2, (3,), np.float32)
    action_space = gym.spaces.Discrete(3)  # slow, fast, regrind

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.wear = self.np_random.uniform(0.0, 1.0)
        self.orders = self.np_random.uniform(0.4, 1.0)
        self.heat = 0.0
        return self._obs(), {}

    def _obs(self):
        return np.array([self.wear, self.orders, self.heat], dtype=np.float32)

    def step(self, action):
        if action == 2:
            reward = -5.0
            self.wear, self.heat = 0.0, 0.0
        else:
            speed = (0.6, 1.0)[action]
            reward = speed * self.orders * (1 - self.wear)
            self.heat = 0.7 * self.heat + 0.3 * speed
            self.wear = min(1.0, self.wear + (0.015, 0.03)[action] * self.np_random.uniform(0.7, 1.3))
        broke = self.wear > 0.7 and self.np_random.random() < 0.01
        if broke:
            reward -= 8.0
        self.orders = float(np.clip(self.orders + self.np_random.normal(0, 0.08), 0.4, 1.0))
        return self._obs(), reward, broke, False, {}


def qnet():
    return nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))


class DQN:
    def __init__(self, gamma=0.97, lr=1e-3, batch=64, sync=250):
        self.q, self.target = qnet(), qnet()
        self.target.load_state_dict(self.q.state_dict())
        self.opt = torch.optim.Adam(self.q.parameters(), lr=lr)
        self.gamma, self.batch, self.sync = gamma, batch, sync
        self.memory = deque(maxlen=20000)
        self.updates = 0

    def act(self, obs, eps):
        if random.random() < eps:
            return random.randrange(3)
        with torch.no_grad():
            return int(self.q(torch.from_numpy(obs)).argmax())

    def learn(self):
        obs, act, rew, nxt, done = zip(*random.sample(self.memory, self.batch))
        obs, nxt = torch.from_numpy(np.stack(obs)), torch.from_numpy(np.stack(nxt))
        rew = torch.tensor(rew, dtype=torch.float32)
        done = torch.tensor(done, dtype=torch.float32)
        with torch.no_grad():
            best = self.q(nxt).argmax(1, keepdim=True)
            goal = rew + self.gamma * (1 - done) * self.target(nxt).gather(1, best).squeeze(1)
        pred = self.q(obs).gather(1, torch.tensor(act)[:, None]).squeeze(1)
        loss = nn.functional.smooth_l1_loss(pred, goal)
        self.opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.q.parameters(), 10.0)
        self.opt.step()
        self.updates += 1
        if self.updates % self.sync == 0:
            self.target.load_state_dict(self.q.state_dict())
        return loss.item()


def evaluate(agent, episodes=10, steps=300):
    env, income, regrinds = PressLine(), [], 0
    for ep in range(episodes):
        obs, _ = env.reset(seed=5000 + ep)
        total = 0.0
        for _ in range(steps):
            a = agent.act(obs, 0.0)
            regrinds += a == 2
            obs, r, broke, _, _ = env.step(a)
            total += r
            if broke:
                obs, _ = env.reset()
        income.append(total / steps)
    return np.mean(income), regrinds / episodes


def train(total_steps=10000, seed=9):
    random.seed(seed), np.random.seed(seed), torch.manual_seed(seed)
    env = TimeLimit(PressLine(), max_episode_steps=8)
    agent, losses = DQN(), deque(maxlen=500)
    obs, _ = env.reset(seed=seed)
    for step in range(1, total_steps + 1):
        eps = max(0.08, 1 - step / 4000)
        a = agent.act(obs, eps)
        nxt, r, terminated, truncated, _ = env.step(a)
        done = terminated or truncated
        agent.memory.append((obs, a, r, nxt, done))
        obs = env.reset()[0] if done else nxt
        if step > 1000 and step % 2 == 0:
            losses.append(agent.learn())
        if step % 2000 == 0:
            inc, reg = evaluate(agent)
            print(f"step {step:6d} eps {eps:.2f} loss {np.mean(losses):.4f} income/step {inc:.3f} regrinds/300 {reg:.1f}")
    return agent


if __name__ == "__main__":
    train()

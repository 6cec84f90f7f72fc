# expects: nothing
import copy

import numpy as np
import torch
import torch.nn as nn


class BroomBots:
    """A batch of carts that balance a broom; an episode is cut after max_steps."""

    def __init__(self, n, max_steps, seed):
        self.n, self.max_steps = n, max_steps
        self.rng = np.random.default_rng(seed)
        self.state = np.zeros((n, 4))
        self.age = np.zeros(n, dtype=int)
        self.reset(np.ones(n, dtype=bool))

    def reset(self, which):
        self.state[which] = self.rng.uniform(-0.06, 0.06, (which.sum(), 4))
        self.age[which] = 0

    def obs(self):
        return self.state.astype(np.float32)

    def step(self, action):
        x, v, th, om = self.state.T
        force = np.where(action == 1, 10.0, -10.0)
        sin, cos = np.sin(th), np.cos(th)
        temp = (force + 0.05 * om**2 * sin) / 1.1
        acc = (9.8 * sin - cos * temp) / (0.5 * (4.0 / 3.0 - 0.1 * cos**2 / 1.1))
        lin = temp - 0.05 * acc * cos / 1.1
        self.state = np.stack([x + 0.02 * v, v + 0.02 * lin, th + 0.02 * om, om + 0.02 * acc], axis=1)
        self.age += 1
        terminated = (np.abs(self.state[:, 0]) > 2.4) | (np.abs(self.state[:, 2]) > 0.21)
        truncated = ~terminated & (self.age >= self.max_steps)
        return self.obs(), np.ones(self.n, dtype=np.float32), terminated, truncated


class Replay:
    def __init__(self, size):
        self.size, self.used, self.at = size, 0, 0
        self.obs, self.next_obs = np.zeros((size, 4), np.float32), np.zeros((size, 4), np.float32)
        self.action, self.reward = np.zeros(size, np.int64), np.zeros(size, np.float32)
        self.terminated = np.zeros(size, np.float32)

    def add(self, obs, action, reward, next_obs, terminated):
        rows = (self.at + np.arange(len(obs))) % self.size
        self.obs[rows], self.action[rows], self.reward[rows] = obs, action, reward
        self.next_obs[rows], self.terminated[rows] = next_obs, terminated
        self.at = (self.at + len(obs)) % self.size
        self.used = min(self.size, self.used + len(obs))

    def sample(self, k, rng):
        rows = rng.integers(0, self.used, k)
        return [torch.from_numpy(a[rows]) for a in
                (self.obs, self.action, self.reward, self.next_obs, self.terminated)]


class Agent:
    def __init__(self, gamma=0.98, lr=7e-4):
        self.gamma = gamma
        self.q = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
        self.target = copy.deepcopy(self.q)
        self.opt = torch.optim.Adam(self.q.parameters(), lr=lr)

    def act(self, obs, eps, rng):
        with torch.no_grad():
            greedy = self.q(torch.from_numpy(obs)).argmax(1).numpy()
        return np.where(rng.random(len(obs)) < eps, rng.integers(0, 2, len(obs)), greedy)

    def learn(self, batch):
        obs, action, reward, next_obs, terminated = batch
        with torch.no_grad():
            best = self.q(next_obs).argmax(1, keepdim=True)
            future = self.target(next_obs).gather(1, best).squeeze(1)
            goal = reward + self.gamma * (1.0 - terminated) * future
        value = self.q(obs).gather(1, action.unsqueeze(1)).squeeze(1)
        loss = nn.functional.smooth_l1_loss(value, goal)
        self.opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.q.parameters(), 10.0)
        self.opt.step()
        for p, t in zip(self.q.parameters(), self.target.parameters()):
            t.data.lerp_(p.data, 0.01)
        return loss.item(), value.mean().item()


def greedy_length(agent, seed, n=60, limit=400):
    env, rng = BroomBots(n, limit, seed), np.random.default_rng(seed)
    alive, length = np.ones(n, dtype=bool), np.zeros(n)
    while alive.any():
        _, _, terminated, truncated = env.step(agent.act(env.obs(), 0.0, rng))
        length += alive
        alive &= ~(terminated | truncated)
    return length.mean()


def main():
    torch.manual_seed(21)
    rng = np.random.default_rng(21)
    env, memory, agent = BroomBots(16, 200, seed=21), Replay(40_000), Agent()
    for step in range(1, 6001):
        obs = env.obs()
        action = agent.act(obs, max(0.05, 1.0 - step / 2000), rng)
        next_obs, reward, terminated, truncated = env.step(action)
        memory.add(obs, action, reward, next_obs, terminated)
        env.reset(terminated | truncated)
        if step > 100:
            loss, value = agent.learn(memory.sample(128, rng))
            if step % 750 == 0:
                print(f"step {step} td loss {loss:.4f} mean Q {value:.2f} greedy length {greedy_length(agent, 500):.1f}")
    print(f"final greedy length over 60 fresh episodes (limit 400): {greedy_length(agent, 9000):.1f}")


if __name__ == "__main__":
    main()

# expects: nothing
"""Deep Q-learning on CartPole-v1 with several environments stepped together."""
import copy
import random
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import torch
from torch import nn


@dataclass
class Settings:
    n_envs: int = 8
    total_ticks: int = 4000
    warmup_ticks: int = 100
    buffer_size: int = 40000
    batch_size: int = 128
    updates_per_tick: int = 2
    gamma: float = 0.98
    tau: float = 0.005
    lr: float = 7e-4
    eps_end: float = 0.1
    eps_ticks: int = 1200
    seed: int = 2


class QNet(nn.Module):
    def __init__(self, n_obs, n_act, width=96):
        super().__init__()
        self.register_buffer("span", torch.tensor([2.4, 2.0, 0.21, 2.0]))
        self.layers = nn.Sequential(
            nn.Linear(n_obs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, n_act)
        )

    def forward(self, obs):
        return self.layers(obs / self.span)


class Replay:
    def __init__(self, size, n_obs):
        self.obs = np.zeros((size, n_obs), np.float32)
        self.nxt = np.zeros((size, n_obs), np.float32)
        self.act = np.zeros(size, np.int64)
        self.rew = np.zeros(size, np.float32)
        self.end = np.zeros(size, np.float32)
        self.size, self.pos, self.full = size, 0, False

    def add(self, o, a, r, n, d):
        i = self.pos
        self.obs[i], self.act[i], self.rew[i], self.nxt[i], self.end[i] = o, a, r, n, d
        self.pos = (i + 1) % self.size
        self.full = self.full or self.pos == 0

    def sample(self, k):
        idx = np.random.randint(0, self.size if self.full else self.pos, k)
        return [torch.from_numpy(a[idx]) for a in (self.obs, self.act, self.rew, self.nxt, self.end)]


class Agent:
    def __init__(self, n_obs, n_act, cfg):
        self.cfg, self.n_act = cfg, n_act
        self.online = QNet(n_obs, n_act)
        self.target = copy.deepcopy(self.online)
        self.opt = torch.optim.Adam(self.online.parameters(), lr=cfg.lr)
        updates = (cfg.total_ticks - cfg.warmup_ticks) * cfg.updates_per_tick
        self.sched = torch.optim.lr_scheduler.LinearLR(self.opt, 1.0, 0.02, total_iters=updates)

    @torch.no_grad()
    def act(self, obs, eps):
        greedy = self.online(torch.as_tensor(obs, dtype=torch.float32)).argmax(1).numpy()
        explore = np.random.rand(len(obs)) < eps
        return np.where(explore, np.random.randint(0, self.n_act, len(obs)), greedy)

    def update(self, batch):
        o, a, r, n, d = batch
        with torch.no_grad():
            best = self.online(n).argmax(1, keepdim=True)
            goal = r + self.cfg.gamma * (1 - d) * self.target(n).gather(1, best).squeeze(1)
        q = self.online(o).gather(1, a[:, None]).squeeze(1)
        loss = nn.functional.smooth_l1_loss(q, goal)
        self.opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.online.parameters(), 10.0)
        self.opt.step()
        self.sched.step()
        self.soft_update()
        return loss.item(), q.mean().item()

    @torch.no_grad()
    def soft_update(self):
        tau = self.cfg.tau
        for p, tp in zip(self.online.parameters(), self.target.parameters()):
            tp.copy_(tau * p + (1 - tau) * tp)


def evaluate(agent, episodes=10):
    env, totals = gym.make("CartPole-v1"), []
    for k in range(episodes):
        obs, _ = env.reset(seed=9000 + k)
        done, total = False, 0.0
        while not done:
            obs, rew, term, trunc, _ = env.step(int(agent.act(obs[None], 0.0)[0]))
            total += rew
            done = term or trunc
        totals.append(total)
    return float(np.mean(totals))


def main():
    cfg = Settings()
    random.seed(cfg.seed)
    np.random.seed(cfg.seed)
    torch.manual_seed(cfg.seed)
    envs = [gym.make("CartPole-v1") for _ in range(cfg.n_envs)]
    obs = np.stack([e.reset(seed=cfg.seed + i)[0] for i, e in enumerate(envs)])
    agent = Agent(4, 2, cfg)
    replay = Replay(cfg.buffer_size, 4)
    for tick in range(1, cfg.total_ticks + 1):
        eps = max(cfg.eps_end, 1 - tick / cfg.eps_ticks)
        actions = agent.act(obs, eps)
        for i, env in enumerate(envs):
            nxt, rew, term, trunc, _ = env.step(int(actions[i]))
            replay.add(obs[i], actions[i], rew, nxt, float(term))
            obs[i] = env.reset()[0] if term or trunc else nxt
        if tick > cfg.warmup_ticks:
            for _ in range(cfg.updates_per_tick):
                loss, q = agent.update(replay.sample(cfg.batch_size))
            if tick % 800 == 0:
                print(f"tick {tick:5d} eps {eps:.2f} loss {loss:.4f} mean Q {q:6.2f} test return {evaluate(agent):.1f}")


if __name__ == "__main__":
    main()

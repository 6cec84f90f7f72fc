# bug: approx_kl has the wrong sign, so the KL stop never fires and each policy update is far too large
# expects: RL001
"""Policy-gradient control of water tanks with a five-position valve."""
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical


@dataclass
class Config:
    envs: int = 16
    horizon: int = 60
    iterations: int = 50
    max_epochs: int = 80
    target_kl: float = 0.02
    lr: float = 1e-2
    value_lr: float = 2e-3
    gamma: float = 0.97
    lam: float = 0.95
    ent: float = 0.001
    seed: int = 6


class TankFarm:
    """Fixed-length episodes; keep the level at a moving set-point in spite of a slow valve."""

    def __init__(self, n, horizon, seed):
        self.n, self.horizon = n, horizon
        self.rng = np.random.default_rng(seed)

    def reset(self):
        self.level = self.rng.uniform(-1, 1, self.n)
        self.flow = np.zeros(self.n)
        self.goal = self.rng.uniform(-1, 1, self.n)
        self.leak = self.rng.uniform(-0.1, 0.1, self.n)
        self.t = 0
        return self.observe()

    def observe(self):
        left = np.full(self.n, 1 - 2 * self.t / self.horizon)
        return np.stack([self.level, self.flow * 5, self.goal, self.goal - self.level, left], 1).astype(np.float32)

    def step(self, action):
        self.flow = 0.8 * self.flow + 0.04 * (action - 2)
        self.level = self.level + self.flow + self.leak * 0.2 + 0.01 * self.rng.normal(size=self.n)
        jump = self.rng.random(self.n) < 0.02
        self.goal = np.where(jump, self.rng.uniform(-1, 1, self.n), self.goal)
        err = np.abs(self.goal - self.level)
        reward = -np.minimum(err, 2.0) - 0.08 * np.abs(action - 2)
        self.t += 1
        return self.observe(), reward.astype(np.float32), self.t >= self.horizon


def mlp(out):
    return nn.Sequential(nn.Linear(5, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, out))


def rollout(env, actor):
    obs, acts, rews = [], [], []
    o, done = env.reset(), False
    with torch.no_grad():
        while not done:
            ot = torch.from_numpy(o)
            a = Categorical(logits=actor(ot)).sample()
            obs.append(ot)
            acts.append(a)
            o, r, done = env.step(a.numpy())
            rews.append(torch.from_numpy(r))
    return torch.stack(obs), torch.stack(acts), torch.stack(rews)


def advantages(rews, vals, cfg):
    adv = torch.zeros_like(rews)
    last = torch.zeros(rews.shape[1])
    nxt = torch.zeros(rews.shape[1])
    for t in reversed(range(len(rews))):
        delta = rews[t] + cfg.gamma * nxt - vals[t]
        last = delta + cfg.gamma * cfg.lam * last
        adv[t], nxt = last, vals[t]
    return adv, adv + vals


def train(cfg):
    torch.manual_seed(cfg.seed)
    env = TankFarm(cfg.envs, cfg.horizon, cfg.seed)
    actor, critic = mlp(5), mlp(1)
    pi_opt = torch.optim.Adam(actor.parameters(), lr=cfg.lr)
    v_opt = torch.optim.Adam(critic.parameters(), lr=cfg.value_lr)
    for it in range(1, cfg.iterations + 1):
        obs, acts, rews = rollout(env, actor)
        with torch.no_grad():
            vals = critic(obs).squeeze(-1)
            old_logp = Categorical(logits=actor(obs)).log_prob(acts)
        adv, ret = advantages(rews, vals, cfg)
        adv = (adv - adv.mean()) / (adv.std() + 1e-8)

        for _ in range(cfg.max_epochs):
            dist = Categorical(logits=actor(obs))
            logp = dist.log_prob(acts)
            approx_kl = (logp - old_logp).mean().item()
            if approx_kl > cfg.target_kl:
                break
            loss = -((logp - old_logp).exp() * adv).mean() - cfg.ent * dist.entropy().mean()
            pi_opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(actor.parameters(), 1.0)
            pi_opt.step()

        for _ in range(20):
            v_loss = (critic(obs).squeeze(-1) - ret).pow(2).mean()
            v_opt.zero_grad()
            v_loss.backward()
            v_opt.step()
        if it % 5 == 0:
            print(f"iter {it:3d}  return {rews.sum(0).mean():8.3f}  value loss {v_loss.item():.4f}")
    return actor


def evaluate(actor, cfg):
    env = TankFarm(400, cfg.horizon, cfg.seed + 1000)
    o, done, total = env.reset(), False, 0.0
    with torch.no_grad():
        while not done:
            o, r, done = env.step(actor(torch.from_numpy(o)).argmax(-1).numpy())
            total += r.mean()
    return total


if __name__ == "__main__":
    config = Config()
    policy = train(config)
    print(f"greedy evaluation return {evaluate(policy, config):.3f}")

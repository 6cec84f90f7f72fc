# expects: nothing
import time
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Normal


@dataclass
class Cfg:
    n_envs: int = 32
    horizon: int = 48
    updates: int = 80
    epochs: int = 4
    minibatch: int = 384
    gamma: float = 0.99
    lam: float = 0.8
    clip: float = 0.2
    lr_actor: float = 7e-4
    lr_critic: float = 1.5e-3
    ent: float = 0.002
    seed: int = 4


class BatterySite:
    """Vector of home batteries. Price in EUR per kWh, profit in EUR per step; a day has 24 steps."""

    def __init__(self, n, seed):
        self.n, self.rng = n, np.random.default_rng(seed)
        self.reset()

    def reset(self):
        self.level = self.rng.uniform(0.2, 0.8, self.n)
        self.hour = self.rng.integers(0, 24, self.n)
        self.bias = self.rng.normal(0, 0.02, self.n)
        self.left = self.rng.integers(1, 73, self.n)
        return self.obs()

    def price(self):
        h = self.hour / 24 * 2 * np.pi
        return 0.12 + 0.06 * np.sin(h - 1.0) + 0.04 * np.sin(2 * h + 0.5) + self.bias

    def obs(self):
        h = self.hour / 24 * 2 * np.pi
        cols = [self.level * 2 - 1, np.sin(h), np.cos(h), (self.price() - 0.12) * 12, self.bias * 30, self.left / 36 - 1]
        return torch.as_tensor(np.stack(cols, 1), dtype=torch.float32)

    def step(self, a):
        a = np.clip(a.numpy(), -1, 1) * 0.25
        new = np.clip(self.level + a, 0, 1)
        moved = new - self.level
        profit = -moved * self.price() - 0.01 * np.abs(moved) - 0.01 * np.abs(a - moved)
        self.level = new
        self.hour = (self.hour + 1) % 24
        self.bias = 0.95 * self.bias + self.rng.normal(0, 0.006, self.n)
        self.left -= 1
        done = self.left == 0
        k = int(done.sum())
        if k:
            self.level[done] = self.rng.uniform(0.2, 0.8, k)
            self.hour[done] = self.rng.integers(0, 24, k)
            self.bias[done] = self.rng.normal(0, 0.02, k)
            self.left[done] = 72
        return self.obs(), torch.as_tensor(profit, dtype=torch.float32), torch.as_tensor(done).float()


def mlp(out):
    return nn.Sequential(nn.Linear(6, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, out))


def gae(rew, val, done, last, cfg):
    adv = torch.zeros_like(rew)
    run = torch.zeros(rew.shape[1])
    nxt = last
    for t in reversed(range(rew.shape[0])):
        alive = 1 - done[t]
        run = rew[t] + cfg.gamma * nxt * alive - val[t] + cfg.gamma * cfg.lam * alive * run
        adv[t] = run
        nxt = val[t]
    target = adv + val
    adv = (adv - adv.mean()) / (adv.std() + 1e-8)
    return adv, target


def evaluate(actor, episodes=200):
    env = BatterySite(episodes, 999)
    env.left[:] = 72
    obs, total = env.obs(), torch.zeros(episodes)
    for _ in range(72):
        with torch.no_grad():
            a = actor(obs).squeeze(-1)
        obs, r, _ = env.step(a)
        total += r
    return total.mean().item()


def main():
    cfg = Cfg()
    torch.manual_seed(cfg.seed)
    torch.set_num_threads(1)
    actor, critic = mlp(1), mlp(1)
    log_std = nn.Parameter(torch.full((1,), -0.5))
    opt = torch.optim.Adam([
        {"params": [*actor.parameters(), log_std], "lr": cfg.lr_actor},
        {"params": critic.parameters(), "lr": cfg.lr_critic},
    ])
    env = BatterySite(cfg.n_envs, cfg.seed)
    obs, t0 = env.reset(), time.time()
    for it in range(1, cfg.updates + 1):
        store = {k: [] for k in ("obs", "act", "logp", "val", "rew", "done")}
        with torch.no_grad():
            for _ in range(cfg.horizon):
                pi = Normal(actor(obs).squeeze(-1), log_std.exp())
                act = pi.sample()
                nobs, rew, done = env.step(act)
                for k, v in zip(store, (obs, act, pi.log_prob(act), critic(obs).squeeze(-1), rew, done)):
                    store[k].append(v)
                obs = nobs
            last = critic(obs).squeeze(-1)
        b = {k: torch.stack(v) for k, v in store.items()}
        adv, target = gae(b["rew"], b["val"], b["done"], last, cfg)
        flat = [b["obs"].flatten(0, 1), b["act"].flatten(), b["logp"].flatten(), adv.flatten(), target.flatten()]
        vls = []
        for _ in range(cfg.epochs):
            for idx in torch.randperm(flat[1].numel()).split(cfg.minibatch):
                o, a, lp, ad, tg = (f[idx] for f in flat)
                pi = Normal(actor(o).squeeze(-1), log_std.exp())
                ratio = (pi.log_prob(a) - lp).exp()
                pg = -torch.min(ratio * ad, ratio.clamp(1 - cfg.clip, 1 + cfg.clip) * ad).mean()
                vl = (critic(o).squeeze(-1) - tg).pow(2).mean()
                loss = pg + vl - cfg.ent * pi.entropy().mean()
                opt.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_([*actor.parameters(), log_std], 0.5)
                nn.utils.clip_grad_norm_(critic.parameters(), 1.0)
                opt.step()
                vls.append(vl.item())
        if it % 10 == 0:
            print(f"update {it:3d}  profit/step {b['rew'].mean():.4f}  value loss {np.mean(vls):.4f}  "
                  f"std {log_std.exp().item():.3f}  test profit {evaluate(actor):.3f}  {time.time() - t0:.0f}s")
    print(f"final: mean profit over 200 fresh three-day episodes {evaluate(actor):.3f} EUR")


if __name__ == "__main__":
    main()

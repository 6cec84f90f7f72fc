# bug: GAE goes on past the end of an episode
# expects: RL025
# PPO for the cart and pole in gusty wind, one file, vectorised numpy environment (based on the usual single-file PPO layouts)
import time
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Categorical


@dataclass
class Args:
    seed: int = 1
    n_envs: int = 16
    n_steps: int = 128
    n_updates: int = 35
    n_epochs: int = 4
    minibatch: int = 256
    lr: float = 2e-3
    gamma: float = 0.98
    lam: float = 0.95
    clip: float = 0.2
    ent_coef: float = 0.01
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5


class PoleVec:
    """n carts at once; an episode ends when the pole falls, the cart leaves the track, or after 300 steps."""
    LIMIT = 300

    def __init__(self, n, seed):
        self.n, self.rng = n, np.random.default_rng(seed)
        self.s = np.zeros((n, 4))
        self.t = np.zeros(n, dtype=int)
        self._reset(np.ones(n, dtype=bool))

    def _reset(self, which):
        self.s[which] = self.rng.uniform(-0.08, 0.08, (which.sum(), 4))
        self.t[which] = 0

    def obs(self):
        return self.s.astype(np.float32) * np.array([0.5, 0.5, 4.0, 0.5], dtype=np.float32)

    def step(self, a):
        x, xd, th, thd = self.s.T
        force = np.where(a == 1, 10.0, -10.0) + self.rng.normal(0, 6.0, self.n)
        c, s = np.cos(th), np.sin(th)
        tmp = (force + 0.05 * thd ** 2 * s) / 1.1
        thacc = (9.8 * s - c * tmp) / (0.5 * (4 / 3 - 0.1 * c ** 2 / 1.1))
        xacc = tmp - 0.05 * thacc * c / 1.1
        dt = 0.02
        self.s = np.stack([x + dt * xd, xd + dt * xacc, th + dt * thd, thd + dt * thacc], 1)
        self.t += 1
        reward = (1.0 - 0.3 * np.abs(self.s[:, 0])).astype(np.float32)
        term = (np.abs(self.s[:, 0]) > 2.4) | (np.abs(self.s[:, 2]) > 0.2095)
        trunc = (self.t >= self.LIMIT) & ~term
        last_obs, length = self.obs(), self.t.copy()
        self._reset(term | trunc)
        return self.obs(), reward, term, trunc, last_obs, length


def layer(i, o, gain=np.sqrt(2)):
    lin = nn.Linear(i, o)
    nn.init.orthogonal_(lin.weight, gain)
    nn.init.zeros_(lin.bias)
    return lin


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.actor = nn.Sequential(layer(4, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, 2, 0.01))
        self.critic = nn.Sequential(layer(4, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, 1, 1.0))

    def value(self, x):
        return self.critic(x).squeeze(-1)

    def policy(self, x):
        return Categorical(logits=self.actor(x))


def gae(rew, val, next_val, done, gamma, lam):
    adv = torch.zeros_like(rew)
    acc = torch.zeros(rew.shape[1])
    for t in reversed(range(len(rew))):
        delta = rew[t] + gamma * next_val[t] - val[t]
        acc = delta + gamma * lam * (1 - done[t]) * acc
        adv[t] = acc
    return adv, adv + val


if __name__ == "__main__":
    args = Args()
    torch.manual_seed(args.seed)
    env, agent = PoleVec(args.n_envs, args.seed), Agent()
    opt = torch.optim.Adam(agent.parameters(), lr=args.lr, eps=1e-5)
    shape = (args.n_steps, args.n_envs)
    obs = torch.from_numpy(env.obs())
    start = time.time()
    for update in range(1, args.n_updates + 1):
        for g in opt.param_groups:
            g["lr"] = args.lr * (1 - (update - 1) / args.n_updates)
        O, NO = torch.zeros(*shape, 4), torch.zeros(*shape, 4)
        A, LP, R, DONE = (torch.zeros(shape) for _ in range(4))
        lengths = []
        with torch.no_grad():
            for t in range(args.n_steps):
                pi = agent.policy(obs)
                a = pi.sample()
                nxt, r, term, trunc, last_obs, length = env.step(a.numpy())
                done = term | trunc
                lengths += length[done].tolist()
                O[t], A[t], LP[t], R[t] = obs, a, pi.log_prob(a), torch.from_numpy(r)
                NO[t] = torch.from_numpy(last_obs)
                DONE[t] = torch.from_numpy(done).float()
                obs = torch.from_numpy(nxt)
            V, NV = agent.value(O), agent.value(NO)
            adv, ret = gae(R, V, NV, DONE, args.gamma, args.lam)
        b_o, b_a, b_lp, b_adv, b_ret = O.flatten(0, 1), A.flatten(), LP.flatten(), adv.flatten(), ret.flatten()
        pls, vls = [], []
        for _ in range(args.n_epochs):
            for idx in torch.randperm(len(b_o)).split(args.minibatch):
                pi = agent.policy(b_o[idx])
                ratio = (pi.log_prob(b_a[idx]) - b_lp[idx]).exp()
                ad = b_adv[idx]
                ad = (ad - ad.mean()) / (ad.std() + 1e-8)
                pg = -torch.min(ratio * ad, ratio.clamp(1 - args.clip, 1 + args.clip) * ad).mean()
                vl = 0.5 * (agent.value(b_o[idx]) - b_ret[idx]).pow(2).mean()
                loss = pg + args.vf_coef * vl - args.ent_coef * pi.entropy().mean()
                opt.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), args.max_grad_norm)
                opt.step()
                pls.append(pg.item()); vls.append(vl.item())
        if update % 5 == 0:
            ep = f"{np.mean(lengths):6.1f}" if lengths else "   n/a"
            print(f"update {update:3d}  policy loss {np.mean(pls):+.4f}  value loss {np.mean(vls):8.2f}  "
                  f"episode length {ep}  ({time.time() - start:.0f}s)")

    test = PoleVec(40, 999)
    o, first, alive = torch.from_numpy(test.obs()), np.zeros(40), np.ones(40, dtype=bool)
    with torch.no_grad():
        for _ in range(PoleVec.LIMIT):
            o, _, term, trunc, _, length = test.step(agent.actor(torch.as_tensor(o)).argmax(1).numpy())
            o = torch.from_numpy(o)
            ended = alive & (term | trunc)
            first[ended] = length[ended]
            alive &= ~ended
    print(f"greedy policy: mean length {first.mean():.1f} of {PoleVec.LIMIT}, {np.mean(first == PoleVec.LIMIT):.0%} full episodes")

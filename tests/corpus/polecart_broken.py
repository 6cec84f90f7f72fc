# bug: GAE goes on past the end of an episode
# expects: RL022
"""PPO for a vectorised pole-balancing cart (own numpy simulator)."""
import argparse

import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical


class PoleCartVec:
    """The usual cart and pole, n copies at once, resets by itself."""

    def __init__(self, n, limit=300, seed=0):
        self.n, self.limit = n, limit
        self.rng = np.random.default_rng(seed)
        self.s = self._fresh(n)
        self.t = np.zeros(n, dtype=int)

    def _fresh(self, k):
        return self.rng.uniform(-0.05, 0.05, (k, 4))

    def obs(self):
        return self.s.astype(np.float32)

    def step(self, act):
        x, xd, th, thd = self.s.T
        force = np.where(act == 1, 10.0, -10.0)
        c, s = np.cos(th), np.sin(th)
        tmp = (force + 0.05 * thd**2 * s) / 1.1
        tha = (9.8 * s - c * tmp) / (0.5 * (4 / 3 - 0.1 * c**2 / 1.1))
        xa = tmp - 0.05 * tha * c / 1.1
        self.s = np.stack([x + 0.02 * xd, xd + 0.02 * xa, th + 0.02 * thd, thd + 0.02 * tha], 1)
        self.t += 1
        fell = (np.abs(self.s[:, 0]) > 2.4) | (np.abs(self.s[:, 2]) > 0.2095)
        timeout = (self.t >= self.limit) & ~fell
        last = self.obs()
        done = fell | timeout
        lengths = self.t[done].tolist()
        if done.any():
            self.s[done] = self._fresh(int(done.sum()))
            self.t[done] = 0
        return self.obs(), np.full(self.n, 0.1, dtype=np.float32), done, timeout, last, lengths


class ActorCritic(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.pi = nn.Sequential(nn.Linear(4, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 2))
        self.v = nn.Sequential(nn.Linear(4, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1))
        nn.init.orthogonal_(self.pi[-1].weight, 0.01)

    def forward(self, o):
        return Categorical(logits=self.pi(o)), self.v(o).squeeze(-1)


def estimate_advantage(rew, val, done, last_val, gamma, lam):
    adv = torch.zeros_like(rew)
    carry, next_val = torch.zeros_like(last_val), last_val
    for t in reversed(range(len(rew))):
        alive = 1.0 - done[t]
        delta = rew[t] + gamma * next_val - val[t]
        carry = delta + gamma * lam * alive * carry
        adv[t] = carry
        next_val = val[t]
    return adv, adv + val


@torch.no_grad()
def play(net, episodes, seed):
    env = PoleCartVec(episodes, seed=seed)
    first = np.zeros(episodes, dtype=int)
    o = env.obs()
    for t in range(env.limit):
        o, _, done, *_ = env.step(net(torch.from_numpy(o))[0].logits.argmax(-1).numpy())
        first[(first == 0) & done] = t + 1
    return first.mean()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--envs", type=int, default=8)
    ap.add_argument("--horizon", type=int, default=128)
    ap.add_argument("--iters", type=int, default=80)
    ap.add_argument("--epochs", type=int, default=4)
    ap.add_argument("--minibatch", type=int, default=256)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--gamma", type=float, default=0.99)
    ap.add_argument("--lam", type=float, default=0.95)
    ap.add_argument("--clip", type=float, default=0.2)
    ap.add_argument("--ent", type=float, default=0.005)
    ap.add_argument("--seed", type=int, default=4)
    a = ap.parse_args()

    torch.manual_seed(a.seed)
    env = PoleCartVec(a.envs, seed=a.seed)
    net = ActorCritic()
    opt = torch.optim.Adam(net.parameters(), lr=a.lr, eps=1e-5)
    obs = torch.from_numpy(env.obs())
    recent = []

    for it in range(1, a.iters + 1):
        for g in opt.param_groups:
            g["lr"] = a.lr * (1 - (it - 1) / a.iters)
        buf = {k: [] for k in ("obs", "act", "logp", "val", "rew", "done")}
        with torch.no_grad():
            for _ in range(a.horizon):
                dist, val = net(obs)
                act = dist.sample()
                nxt, rew, done, timeout, last, lengths = env.step(act.numpy())
                rew = torch.from_numpy(rew)
                if timeout.any():
                    rew = rew + a.gamma * net(torch.from_numpy(last))[1] * torch.from_numpy(timeout).float()
                for k, v in zip(buf, (obs, act, dist.log_prob(act), val, rew, torch.from_numpy(done).float())):
                    buf[k].append(v)
                recent = (recent + lengths)[-40:]
                obs = torch.from_numpy(nxt)
            last_val = net(obs)[1]
        b = {k: torch.stack(v) for k, v in buf.items()}
        adv, ret = estimate_advantage(b["rew"], b["val"], b["done"], last_val, a.gamma, a.lam)
        flat = {k: b[k].flatten(0, 1) for k in ("obs", "act", "logp")}
        adv, ret = adv.flatten(), ret.flatten()

        tot_pi = tot_v = n = 0
        for _ in range(a.epochs):
            for i in torch.randperm(len(adv)).split(a.minibatch):
                dist, v = net(flat["obs"][i])
                ratio = (dist.log_prob(flat["act"][i]) - flat["logp"][i]).exp()
                ad = (adv[i] - adv[i].mean()) / (adv[i].std() + 1e-8)
                loss_pi = -torch.min(ratio * ad, ratio.clamp(1 - a.clip, 1 + a.clip) * ad).mean()
                loss_v = 0.5 * (v - ret[i]).pow(2).mean()
                loss = loss_pi + 0.5 * loss_v - a.ent * dist.entropy().mean()
                opt.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(net.parameters(), 0.5)
                opt.step()
                tot_pi, tot_v, n = tot_pi + loss_pi.item(), tot_v + loss_v.item(), n + 1
        if it % 8 == 0:
            print(f"iter {it:3d}  pi loss {tot_pi / n:+.4f}  value loss {tot_v / n:8.3f}  episode length {np.mean(recent):.1f}")
    print(f"greedy episode length (limit 300): {play(net, 20, seed=1000):.1f}")


if __name__ == "__main__":
    main()

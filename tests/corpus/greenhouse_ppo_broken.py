# bug: the evaluation has a normaliser of its own
# expects: no-rule-yet
# Greenhouse climate control, PPO with discrete actions, vectorised in numpy.
import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Categorical

N_ENVS, HORIZON, ITERS = 32, 64, 70
GAMMA, LAM, CLIP = 0.95, 0.9, 0.2
EP_LEN = 96          # one day in quarter hours


class Greenhouse:
    """obs: inside temp [K], outside temp [K], CO2 [ppm], time of day [h].
    actions: 0 idle, 1 heat, 2 open vents, 3 dose CO2"""
    obs_dim, n_actions = 4, 4

    def __init__(self, n, seed):
        self.n = n
        self.rng = np.random.default_rng(seed)
        self.reset()

    def _fresh(self, k):
        return (self.rng.uniform(285, 303, k), self.rng.uniform(276, 296, k), self.rng.uniform(400, 1100, k))

    def reset(self):
        self.temp, self.base, self.co2 = self._fresh(self.n)
        self.t = self.rng.integers(0, EP_LEN, self.n)
        self.left = self.rng.integers(1, EP_LEN + 1, self.n)
        return self._obs()

    def reset_full(self):
        self.reset()
        self.left[:] = EP_LEN
        return self._obs()

    def _outside(self):
        return self.base + 6 * np.sin(2 * np.pi * (self.t - 36) / EP_LEN)

    def _obs(self):
        return np.stack([self.temp, self._outside(), self.co2, (self.t % EP_LEN) / 4.0], 1)

    def step(self, a):
        out = self._outside()
        sun = np.clip(np.sin(2 * np.pi * (self.t - 24) / EP_LEN), 0, None)
        vent = (a == 2)
        self.temp += 0.04 * (out - self.temp) + 0.9 * sun + 1.6 * (a == 1) - vent * (0.8 + 0.15 * (self.temp - out).clip(0))
        self.co2 += -12 - 40 * sun + 190 * (a == 3) - vent * 0.25 * (self.co2 - 400)
        self.co2 = np.clip(self.co2, 300, 1600)
        self.temp += self.rng.normal(0, 0.1, self.n)
        reward = -0.15 * np.abs(self.temp - 295) - 0.0012 * np.abs(self.co2 - 850) - 0.05 * (a != 0)
        self.t += 1
        self.left -= 1
        done = self.left <= 0
        final = self._obs()
        if done.any():
            k = int(done.sum())
            self.temp[done], self.base[done], self.co2[done] = self._fresh(k)
            self.t[done] = self.rng.integers(0, EP_LEN, k)
            self.left[done] = EP_LEN
        return self._obs(), reward, done, final


class NormalizedEnv:
    def __init__(self, env):
        self.env = env
        self.mean, self.var, self.count = np.zeros(env.obs_dim), np.ones(env.obs_dim), 1e-4
        self.training = True

    def _filter(self, obs, update=True):
        if self.training and update:
            bm, bv, bc = obs.mean(0), obs.var(0), len(obs)
            delta, tot = bm - self.mean, self.count + bc
            self.var = (self.var * self.count + bv * bc + delta ** 2 * self.count * bc / tot) / tot
            self.mean = self.mean + delta * bc / tot
            self.count = tot
        z = (obs - self.mean) / np.sqrt(self.var + 1e-8)
        return torch.as_tensor(np.clip(z, -10, 10), dtype=torch.float32)

    def reset(self, full=False):
        return self._filter(self.env.reset_full() if full else self.env.reset())

    def step(self, a):
        obs, r, d, final = self.env.step(a.numpy())
        as_f = lambda v: torch.as_tensor(v, dtype=torch.float32)
        return self._filter(obs), as_f(r), as_f(d), self._filter(final, update=False)


class ActorCritic(nn.Module):
    def __init__(self, obs_dim, n_actions, h=64):
        super().__init__()
        self.pi = nn.Sequential(nn.Linear(obs_dim, h), nn.Tanh(), nn.Linear(h, h), nn.Tanh(), nn.Linear(h, n_actions))
        self.v = nn.Sequential(nn.Linear(obs_dim, h), nn.Tanh(), nn.Linear(h, h), nn.Tanh(), nn.Linear(h, 1))

    def forward(self, obs):
        return Categorical(logits=self.pi(obs)), self.v(obs).squeeze(-1)


@torch.no_grad()
def evaluate(agent, env):
    env.training = False
    obs, total = env.reset(full=True), 0.0
    for _ in range(EP_LEN):
        obs, r, _, _ = env.step(agent.pi(obs).argmax(-1))
        total += r.mean().item()
    return total


def main():
    torch.manual_seed(0)
    env = NormalizedEnv(Greenhouse(N_ENVS, seed=0))
    eval_env = NormalizedEnv(Greenhouse(100, seed=12345))
    agent = ActorCritic(Greenhouse.obs_dim, Greenhouse.n_actions)
    opt = torch.optim.Adam(agent.parameters(), lr=1e-3, eps=1e-5)

    obs = env.reset()
    for it in range(ITERS):
        buf = {k: [] for k in ("obs", "act", "logp", "val", "rew", "done", "cut")}
        with torch.no_grad():
            for _ in range(HORIZON):
                dist, v = agent(obs)
                a = dist.sample()
                nxt, r, d, final = env.step(a)
                cut = d * agent(final)[1]          # a day ends by the clock only: bootstrap
                for k, x in zip(buf, (obs, a, dist.log_prob(a), v, r, d, cut)):
                    buf[k].append(x)
                obs = nxt
            last_v = agent(obs)[1]
        b = {k: torch.stack(x) for k, x in buf.items()}
        adv, gae = torch.zeros_like(b["rew"]), torch.zeros(N_ENVS)
        for t in reversed(range(HORIZON)):
            nv = last_v if t == HORIZON - 1 else b["val"][t + 1]
            alive = 1 - b["done"][t]
            gae = b["rew"][t] + GAMMA * (nv * alive + b["cut"][t]) - b["val"][t] + GAMMA * LAM * alive * gae
            adv[t] = gae
        ret = adv + b["val"]
        flat = {k: x.flatten(0, 1) for k, x in b.items()}
        adv, ret = adv.flatten(), ret.flatten()
        losses = []
        for _ in range(4):
            for idx in torch.randperm(len(adv)).split(256):
                dist, v = agent(flat["obs"][idx])
                ratio = (dist.log_prob(flat["act"][idx]) - flat["logp"][idx]).exp()
                A = (adv[idx] - adv[idx].mean()) / (adv[idx].std() + 1e-8)
                pg = -torch.min(ratio * A, ratio.clamp(1 - CLIP, 1 + CLIP) * A).mean()
                loss = pg + 0.5 * (v - ret[idx]).pow(2).mean() - 0.005 * dist.entropy().mean()
                opt.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
                opt.step()
                losses.append(loss.item())
        if (it + 1) % 10 == 0:
            print(f"iter {it + 1:3d}  loss {np.mean(losses):.3f}  train reward/day {b['rew'].mean() * EP_LEN:8.2f}"
                  f"  eval reward/day {evaluate(agent, eval_env):8.2f}")


main()

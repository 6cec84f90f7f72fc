# bug: PPO in plain PyTorch (own tiny environment): the entropy bonus has the wrong sign
# expects: RL013
"""PPO for a made-up dosing problem: visits of one patient, eight treatments, recovery is noisy."""
import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Categorical


class ClinicVec:
    """Patients of six kinds; severity 3 -> 0 is cured (+1), severity 5 ends badly (-1), ten visits at most."""

    KINDS, ACTIONS, VISITS = 6, 8, 10

    def __init__(self, n_envs, seed):
        self.n = n_envs
        self.rng = np.random.default_rng(seed)
        table = np.random.default_rng(5)
        self.better = table.uniform(0.15, 0.3, (self.KINDS, self.ACTIONS))
        for k in range(self.KINDS):
            best, second, third = table.permutation(self.ACTIONS)[:3]
            self.better[k, [best, second, third]] = 0.85, 0.6, 0.55
        self.kind = self.rng.integers(0, self.KINDS, n_envs)
        self.sev = np.full(n_envs, 3)
        self.visit = np.zeros(n_envs, dtype=int)

    def obs(self):
        kind = np.eye(self.KINDS, dtype=np.float32)[self.kind]
        rest = np.stack([self.sev / 5, self.visit / self.VISITS], 1).astype(np.float32)
        return torch.from_numpy(np.concatenate([kind, rest], 1))

    def step(self, action):
        up = self.rng.random(self.n) < self.better[self.kind, action]
        self.sev = self.sev + np.where(up, -1, 1)
        self.visit += 1
        cured, worse = self.sev <= 0, self.sev >= 5
        done = cured | worse | (self.visit >= self.VISITS)
        reward = cured * 1.0 - worse * 1.0 - 0.05
        m = int(done.sum())
        self.kind[done] = self.rng.integers(0, self.KINDS, m)
        self.sev[done] = 3
        self.visit[done] = 0
        return self.obs(), torch.tensor(reward, dtype=torch.float32), torch.tensor(done, dtype=torch.float32), cured


class ActorCritic(nn.Module):
    def __init__(self, n_obs, n_act):
        super().__init__()
        self.pi = nn.Sequential(nn.Linear(n_obs, 32), nn.Tanh(), nn.Linear(32, n_act))
        self.v = nn.Sequential(nn.Linear(n_obs, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, o):
        return Categorical(logits=self.pi(o)), self.v(o).squeeze(-1)


def ppo(seed=0, n_envs=16, horizon=48, updates=60, epochs=4, minibatch=192,
        gamma=0.99, lam=0.95, clip=0.2, vf_coef=0.5, ent_coef=0.05, lr=3e-3):
    torch.manual_seed(seed)
    env = ClinicVec(n_envs, seed)
    net = ActorCritic(env.KINDS + 2, env.ACTIONS)
    opt = torch.optim.Adam(net.parameters(), lr=lr, eps=1e-5)
    o = env.obs()
    cured = ended = 0
    for update in range(1, updates + 1):
        O, A, LP, R, D, V = [], [], [], [], [], []
        for _ in range(horizon):
            with torch.no_grad():
                d, v = net(o)
                a = d.sample()
            nxt, r, done, ok = env.step(a.numpy())
            for buf, x in zip((O, A, LP, R, D, V), (o, a, d.log_prob(a), r, done, v)):
                buf.append(x)
            ended += int(done.sum())
            cured += int(ok.sum())
            o = nxt
        with torch.no_grad():
            next_v = net(o)[1]
        adv, run = torch.zeros(horizon, n_envs), torch.zeros(n_envs)
        for t in reversed(range(horizon)):
            delta = R[t] + gamma * next_v * (1 - D[t]) - V[t]
            run = delta + gamma * lam * (1 - D[t]) * run
            adv[t], next_v = run, V[t]
        ret = (adv + torch.stack(V)).flatten()
        adv = adv.flatten()
        O, A, LP = torch.cat(O), torch.cat(A), torch.cat(LP)

        for _ in range(epochs):
            for idx in torch.randperm(len(A)).split(minibatch):
                dist, value = net(O[idx])
                ratio = (dist.log_prob(A[idx]) - LP[idx]).exp()
                a_hat = (adv[idx] - adv[idx].mean()) / (adv[idx].std() + 1e-8)
                pg_loss = -torch.min(ratio * a_hat, ratio.clamp(1 - clip, 1 + clip) * a_hat).mean()
                v_loss = (value - ret[idx]).pow(2).mean()
                entropy = dist.entropy().mean()
                loss = pg_loss + vf_coef * v_loss + ent_coef * entropy
                opt.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(net.parameters(), 0.5)
                opt.step()
        if update % 10 == 0:
            print(f"update {update:3d}  episodes {ended:4d}  cured {cured / ended:.3f}  entropy {entropy.item():.3f}")
            cured = ended = 0
    return net


if __name__ == "__main__":
    ppo(seed=1)

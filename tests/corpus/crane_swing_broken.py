# bug: value keeps its last axis, (N, 1) - (N,) broadcasts to (N, N) and the critic learns the mean return only (update loop)
# expects: LOS003
"""PPO for an inverted load: torque control, many copies of the swing stepped together."""
import math

import torch
import torch.nn as nn
from torch.distributions import Normal

torch.manual_seed(2)

ENVS, STEPS, UPDATES = 32, 64, 80
GAMMA, LAM, CLIP = 0.9, 0.95, 0.2
EPOCHS, MINIBATCH = 5, 256


class Swing:
    length = 200

    def __init__(self, n):
        self.n = n
        self.restart()

    def restart(self):
        self.th = (torch.rand(self.n) * 2 - 1) * math.pi
        self.om = torch.rand(self.n) * 2 - 1
        self.t = 0

    def obs(self):
        return torch.stack([self.th.cos(), self.th.sin(), self.om / 8], 1)

    def step(self, u):
        u = u.clamp(-2, 2)
        angle = torch.remainder(self.th + math.pi, 2 * math.pi) - math.pi
        cost = angle ** 2 + 0.1 * self.om ** 2 + 0.001 * u ** 2
        self.om = (self.om + (15 * self.th.sin() + 3 * u) * 0.05).clamp(-8, 8)
        self.th = self.th + self.om * 0.05
        self.t += 1
        return -cost, self.t >= self.length


def mlp(out):
    return nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, out))


class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.mu = mlp(1)
        self.log_std = nn.Parameter(torch.zeros(1))

    def forward(self, obs):
        return Normal(2 * torch.tanh(self.mu(obs).squeeze(-1)), self.log_std.exp())


@torch.no_grad()
def evaluate(actor, n=128):
    env = Swing(n)
    total = torch.zeros(n)
    over = False
    while not over:
        r, over = env.step(actor(env.obs()).mean)
        total += r
    return total.mean().item()


actor, critic = Actor(), mlp(1)
opt = torch.optim.Adam([
    {"params": actor.parameters(), "lr": 1e-3},
    {"params": critic.parameters(), "lr": 2e-3},
])
env = Swing(ENVS)

for update in range(1, UPDATES + 1):
    O, A, LP, R, V, NV = [], [], [], [], [], []
    CUT = []
    with torch.no_grad():
        for _ in range(STEPS):
            obs = env.obs()
            dist = actor(obs)
            act = dist.sample()
            rew, over = env.step(act)
            O.append(obs)
            A.append(act)
            LP.append(dist.log_prob(act))
            R.append(rew)
            V.append(critic(obs).squeeze(-1))
            NV.append(critic(env.obs()).squeeze(-1))
            CUT.append(over)
            if over:
                env.restart()
        adv = torch.zeros(STEPS, ENVS)
        running = torch.zeros(ENVS)
        for t in reversed(range(STEPS)):
            delta = R[t] + GAMMA * NV[t] - V[t]
            running = delta + GAMMA * LAM * running * (0.0 if CUT[t] else 1.0)
            adv[t] = running
        ret = (adv + torch.stack(V)).flatten()
        adv = adv.flatten()
        obs, act, logp = torch.cat(O), torch.cat(A), torch.cat(LP)

    v_sum, n_mb = 0.0, 0
    for _ in range(EPOCHS):
        for idx in torch.randperm(ENVS * STEPS).split(MINIBATCH):
            dist = actor(obs[idx])
            ratio = (dist.log_prob(act[idx]) - logp[idx]).exp()
            a = adv[idx]
            a = (a - a.mean()) / (a.std() + 1e-8)
            pi_loss = -torch.min(ratio * a, ratio.clamp(1 - CLIP, 1 + CLIP) * a).mean()
            value = critic(obs[idx])
            v_loss = ((value - ret[idx]) ** 2).mean()
            opt.zero_grad()
            (pi_loss + 0.5 * v_loss).backward()
            nn.utils.clip_grad_norm_(actor.parameters(), 0.5)
            nn.utils.clip_grad_norm_(critic.parameters(), 5.0)
            opt.step()
            v_sum += v_loss.item()
            n_mb += 1
    if update % 10 == 0:
        print(f"update {update:3d}  reward/step {torch.stack(R).mean().item():7.3f}  value loss {v_sum / n_mb:8.3f}  "
              f"std {actor.log_std.exp().item():.3f}  test return {evaluate(actor):9.1f}")

# expects: nothing
"""A2C for a rover that has to bring fruit crates to a depot in a small orchard.

The rover may sell a crate at the roadside stall (little money) or take it to the depot (more money).
All orchards run in parallel as tensors.
"""
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Config:
    size: int = 8
    n_envs: int = 48
    horizon: int = 12
    updates: int = 500
    lr: float = 1.5e-3
    gamma: float = 0.97
    ent_coef: float = 0.05
    vf_coef: float = 0.5
    max_steps: int = 60
    seed: int = 4


class Orchard:
    MOVES = torch.tensor([[0, 1], [0, -1], [1, 0], [-1, 0]])

    def __init__(self, n, size, max_steps, seed):
        self.n, self.size, self.max_steps = n, size, max_steps
        self.gen = torch.Generator().manual_seed(seed)
        self.stall = torch.tensor([0, 2])
        self.depot = torch.tensor([size - 1, size - 1])
        self.pos = torch.zeros(n, 2, dtype=torch.long)
        self.t = torch.zeros(n, dtype=torch.long)
        self.reset(torch.ones(n, dtype=torch.bool))

    def reset(self, mask):
        k = int(mask.sum())
        self.pos[mask] = torch.randint(0, 2, (k, 2), generator=self.gen)
        self.t[mask] = 0

    def observe(self):
        cell = self.pos[:, 0] * self.size + self.pos[:, 1]
        return F.one_hot(cell, self.size ** 2).float()

    def step(self, action):
        self.pos = (self.pos + self.MOVES[action]).clamp(0, self.size - 1)
        self.t += 1
        at_stall = (self.pos == self.stall).all(1)
        at_depot = (self.pos == self.depot).all(1)
        reward = 0.3 * at_stall.float() + 1.0 * at_depot.float()
        done = at_stall | at_depot
        timeout = (self.t >= self.max_steps) & ~done
        over = done | timeout
        final_obs = self.observe()
        self.reset(over)
        return self.observe(), reward, done, timeout, final_obs


class ActorCritic(nn.Module):
    def __init__(self, n_obs, n_act, hidden=64):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_obs, hidden), nn.Tanh())
        self.pi = nn.Linear(hidden, n_act)
        self.v = nn.Linear(hidden, 1)

    def forward(self, obs):
        h = self.body(obs)
        return self.pi(h), self.v(h).squeeze(-1)


@torch.no_grad()
def evaluate(net, cfg, episodes=400):
    env = Orchard(episodes, cfg.size, cfg.max_steps, seed=1234)
    obs, alive, total = env.observe(), torch.ones(episodes, dtype=torch.bool), torch.zeros(episodes)
    for _ in range(cfg.max_steps):
        logits, _ = net(obs)
        act = torch.distributions.Categorical(logits=logits).sample()
        obs, rew, done, timeout, _ = env.step(act)
        total += rew * alive
        alive &= ~(done | timeout)
    return total.mean().item()


def main(cfg):
    torch.manual_seed(cfg.seed)
    env = Orchard(cfg.n_envs, cfg.size, cfg.max_steps, cfg.seed)
    net = ActorCritic(cfg.size ** 2, 4)
    opt = torch.optim.Adam(net.parameters(), lr=cfg.lr)
    obs = env.observe()
    for update in range(1, cfg.updates + 1):
        logps, values, entropies, rewards, masks = [], [], [], [], []
        for _ in range(cfg.horizon):
            logits, v = net(obs)
            dist = torch.distributions.Categorical(logits=logits)
            act = dist.sample()
            obs, rew, done, timeout, final_obs = env.step(act)
            if timeout.any():
                with torch.no_grad():
                    rew = rew + cfg.gamma * net(final_obs)[1] * timeout
            logps.append(dist.log_prob(act))
            values.append(v)
            entropies.append(dist.entropy())
            rewards.append(rew)
            masks.append(1.0 - (done | timeout).float())
        with torch.no_grad():
            ret = net(obs)[1]
        returns = []
        for rew, m in zip(reversed(rewards), reversed(masks)):
            ret = rew + cfg.gamma * m * ret
            returns.insert(0, ret)
        returns, values = torch.stack(returns), torch.stack(values)
        adv = (returns - values).detach()
        policy_loss = -(torch.stack(logps) * adv).mean()
        value_loss = F.mse_loss(values, returns)
        entropy = torch.stack(entropies).mean()
        loss = policy_loss + cfg.vf_coef * value_loss - cfg.ent_coef * entropy
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        opt.step()
        if update % 100 == 0:
            print(f"update {update:4d}  policy {policy_loss.item():+.4f}  value {value_loss.item():.4f}  "
                  f"entropy {entropy.item():.3f}  reward/step {torch.stack(rewards).mean().item():.4f}")
    print(f"mean earnings per crate over 400 fresh episodes: {evaluate(net, cfg):.3f}")


if __name__ == "__main__":
    main(Config())

# expects: nothing
"""Advantage actor-critic that runs the heater and the vents of a greenhouse; many copies are simulated at once."""
import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Categorical

SEED, COPIES, HORIZON, UPDATES = 14, 64, 48, 150
torch.manual_seed(SEED)


class Greenhouse:
    """Observation: inside degC, outside degC, humidity %, CO2 ppm, sun W/m2, set point degC. Actions: off, heat, vent."""
    obs_dim, n_actions = 6, 3

    def __init__(self, copies, seed):
        self.n, self.rng = copies, np.random.default_rng(seed)

    def reset(self):
        r = self.rng
        self.inside = r.uniform(12, 30, self.n)
        self.outside = r.uniform(2, 24, self.n)
        self.sun = r.uniform(0, 700, self.n)
        self.goal = r.uniform(17, 25, self.n)
        self.humidity = r.uniform(40, 80, self.n)
        self.co2 = r.uniform(400, 900, self.n)
        return self.observe()

    def observe(self):
        return np.stack([self.inside, self.outside, self.humidity, self.co2, self.sun, self.goal], 1)

    def step(self, action):
        heat, vent = action == 1, action == 2
        self.inside += (0.06 + 0.25 * vent) * (self.outside - self.inside) + 2.2 * heat + 0.0015 * self.sun
        self.inside += self.rng.normal(scale=0.1, size=self.n)
        self.outside += self.rng.normal(scale=0.2, size=self.n)
        self.sun = np.clip(self.sun + self.rng.normal(scale=20, size=self.n), 0, 900)
        self.humidity = np.clip(self.humidity + self.rng.normal(scale=1.0, size=self.n) - 2.0 * vent, 20, 95)
        self.co2 = np.clip(self.co2 + self.rng.normal(scale=10, size=self.n) - 15 * vent, 380, 1200)
        reward = -np.minimum(np.abs(self.inside - self.goal), 8.0) / 4.0 - 0.05 * heat
        return self.observe(), reward


class RunningStats:
    def __init__(self, dim):
        self.mean, self.var, self.count = np.zeros(dim), np.ones(dim), 1e-4

    def update(self, x):
        m, v, n = x.mean(0), x.var(0), len(x)
        delta, total = m - self.mean, self.count + n
        self.mean = self.mean + delta * n / total
        self.var = (self.var * self.count + v * n + delta ** 2 * self.count * n / total) / total
        self.count = total


class NormalisedEnv:
    def __init__(self, env, training=True):
        self.env, self.training, self.stats = env, training, RunningStats(env.obs_dim)

    def _norm(self, obs):
        if self.training:
            self.stats.update(obs)
        z = (obs - self.stats.mean) / np.sqrt(self.stats.var + 1e-8)
        return torch.tensor(np.clip(z, -10, 10), dtype=torch.float32)

    def reset(self):
        return self._norm(self.env.reset())

    def step(self, action):
        obs, reward = self.env.step(action.numpy())
        return self._norm(obs), torch.tensor(reward, dtype=torch.float32)


class ActorCritic(nn.Module):
    def __init__(self, obs_dim, n_actions, hidden=64):
        super().__init__()
        self.actor = nn.Sequential(nn.Linear(obs_dim, hidden), nn.Tanh(), nn.Linear(hidden, n_actions))
        self.critic = nn.Sequential(nn.Linear(obs_dim, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, obs):
        return Categorical(logits=self.actor(obs)), self.critic(obs).squeeze(-1)


@torch.no_grad()
def evaluate(agent, env):
    agent.eval()
    obs, total = env.reset(), 0.0
    for _ in range(HORIZON):
        obs, reward = env.step(agent(obs)[0].probs.argmax(-1))
        total += reward.mean().item()
    agent.train()
    return total


train_env = NormalisedEnv(Greenhouse(COPIES, SEED))
eval_env = NormalisedEnv(Greenhouse(200, SEED + 1), training=False)
eval_env.stats = train_env.stats

agent = ActorCritic(Greenhouse.obs_dim, Greenhouse.n_actions)
opt = torch.optim.Adam(agent.parameters(), lr=3e-3)
GAMMA, LAM = 0.9, 0.9
history = []

for update in range(1, UPDATES + 1):
    obs = train_env.reset()
    logps, values, rewards, entropies = [], [], [], []
    for _ in range(HORIZON):
        dist, value = agent(obs)
        action = dist.sample()
        obs, reward = train_env.step(action)
        logps.append(dist.log_prob(action))
        values.append(value)
        rewards.append(reward)
        entropies.append(dist.entropy())
    with torch.no_grad():
        next_value, gae = agent(obs)[1], torch.zeros(COPIES)
        advantages = [None] * HORIZON
        for t in reversed(range(HORIZON)):
            delta = rewards[t] + GAMMA * next_value - values[t]
            gae = delta + GAMMA * LAM * gae
            advantages[t], next_value = gae, values[t]
        adv = torch.stack(advantages)
        target = adv + torch.stack(values)
        adv = (adv - adv.mean()) / (adv.std() + 1e-8)
    policy_loss = -(adv * torch.stack(logps)).mean()
    value_loss = (torch.stack(values) - target).pow(2).mean()
    loss = policy_loss + 0.5 * value_loss - 0.005 * torch.stack(entropies).mean()
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(agent.parameters(), 1.0)
    opt.step()
    history.append(torch.stack(rewards).sum(0).mean().item())
    if update % 15 == 0:
        print(f"update {update:4d}  loss {loss.item():7.4f}  value loss {value_loss.item():7.4f}  "
              f"train return {np.mean(history[-15:]):7.2f}  eval return {evaluate(agent, eval_env):7.2f}")

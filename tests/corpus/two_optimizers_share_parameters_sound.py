# sound: the critic's optimizer holds the critic's head only
"""Advantage actor-critic on a pole that must be kept upright (simplified physics, no gym)."""
import math
import random

import torch
import torch.nn as nn


class Pole:
    def __init__(self, seed):
        self.rng = random.Random(seed)

    def reset(self):
        self.theta = self.rng.uniform(-0.1, 0.1)
        self.omega = self.rng.uniform(-0.1, 0.1)
        self.t = 0
        return (self.theta, self.omega)

    def step(self, action):
        force = 1.0 if action == 1 else -1.0
        acc = 9.8 * math.sin(self.theta) + 6.0 * force
        self.omega += 0.02 * acc
        self.theta += 0.02 * self.omega
        self.t += 1
        failed = abs(self.theta) > 0.4
        return (self.theta, self.omega), 1.0, failed or self.t >= 60


class ActorCritic(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(2, hidden), nn.Tanh())
        self.actor = nn.Linear(hidden, 2)
        self.critic = nn.Linear(hidden, 1)

    def forward(self, obs):
        h = self.trunk(obs * torch.tensor([4.0, 1.0]))
        return torch.distributions.Categorical(logits=self.actor(h)), self.critic(h).squeeze(-1)


def rollout(env, model, gamma=0.97):
    obs, actions, rewards = [], [], []
    o, done = env.reset(), False
    while not done:
        obs.append(o)
        with torch.no_grad():
            dist, _ = model(torch.tensor([o]))
        a = dist.sample().item()
        o, r, done = env.step(a)
        actions.append(a)
        rewards.append(r)
    returns, g = [], 0.0
    for r in reversed(rewards):
        g = r + gamma * g
        returns.insert(0, g)
    return torch.tensor(obs), torch.tensor(actions), torch.tensor(returns) / 10


def main():
    torch.manual_seed(0)
    env, model = Pole(0), ActorCritic()
    actor_opt = torch.optim.Adam([*model.trunk.parameters(), *model.actor.parameters()], lr=1e-2)
    critic_opt = torch.optim.Adam(model.critic.parameters(), lr=1e-2)
    lengths = []
    for episode in range(1, 201):
        obs, actions, returns = rollout(env, model)
        lengths.append(len(actions))
        dist, value = model(obs)
        advantage = returns - value
        policy_loss = -(dist.log_prob(actions) * advantage.detach()).mean() - 0.01 * dist.entropy().mean()
        value_loss = advantage.pow(2).mean()
        actor_opt.zero_grad()
        critic_opt.zero_grad()
        (policy_loss + 0.5 * value_loss).backward()
        actor_opt.step()
        critic_opt.step()
        if episode % 40 == 0:
            print(f"episode {episode} mean length {sum(lengths[-40:]) / 40:.1f} value loss {value_loss.item():.3f}")


if __name__ == "__main__":
    main()

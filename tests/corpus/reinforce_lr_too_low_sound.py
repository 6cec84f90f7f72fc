# sound: REINFORCE with a baseline on a small grid corridor
"""Policy gradient on a corridor: walk right to the goal, each step costs."""
import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Categorical

N = 7
MAX_STEPS = 20
GAMMA = 0.97


class Corridor:
    def __init__(self, rng):
        self.rng = rng

    def reset(self):
        self.pos = int(self.rng.integers(0, N - 1))
        self.t = 0
        return self.observe()

    def observe(self):
        o = np.zeros(N, dtype=np.float32)
        o[self.pos] = 1.0
        return torch.from_numpy(o)

    def step(self, action):
        move = 1 if action == 1 else -1
        if self.rng.random() < 0.1:
            move = -move
        self.pos = min(max(self.pos + move, 0), N - 1)
        self.t += 1
        done = self.pos == N - 1
        reward = 1.0 if done else -0.05
        return self.observe(), reward, done or self.t >= MAX_STEPS


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(N, 32), nn.Tanh(), nn.Linear(32, 2))

    def forward(self, x):
        return Categorical(logits=self.net(x))


def play(env, policy):
    log_probs, rewards = [], []
    obs, done = env.reset(), False
    while not done:
        dist = policy(obs)
        action = dist.sample()
        log_probs.append(dist.log_prob(action))
        obs, r, done = env.step(action.item())
        rewards.append(r)
    return log_probs, rewards


def returns(rewards):
    out, g = [], 0.0
    for r in reversed(rewards):
        g = r + GAMMA * g
        out.append(g)
    return torch.tensor(out[::-1])


def main():
    torch.manual_seed(0)
    env = Corridor(np.random.default_rng(0))
    policy = Policy()
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    baseline, recent = 0.0, []
    for episode in range(400):
        log_probs, rewards = play(env, policy)
        G = returns(rewards)
        loss = -(torch.stack(log_probs) * (G - baseline)).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        baseline = 0.95 * baseline + 0.05 * G.mean().item()
        recent.append(sum(rewards))
        if (episode + 1) % 80 == 0:
            print(f"episode {episode + 1} mean return of last 80: {np.mean(recent[-80:]):.3f}")


if __name__ == "__main__":
    main()

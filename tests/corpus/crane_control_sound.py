# expects: nothing
import copy

import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class CraneEnv(gym.Env):
    """Trolley on a rail: bring it to the middle with a bounded force."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def __init__(self):
        self.state = np.zeros(2, dtype=np.float32)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.state[:] = self.np_random.uniform([-1.5, -0.5], [1.5, 0.5])
        self.t = 0
        return self.state.copy(), {}

    def step(self, action):
        f = float(np.clip(action[0], -1, 1))
        self.state[1] += 0.2 * f - 0.02 * self.state[1]
        self.state[0] += 0.2 * self.state[1]
        self.state[:] = np.clip(self.state, -3, 3)
        self.t += 1
        reward = -(self.state[0] ** 2 + 0.1 * self.state[1] ** 2 + 0.02 * f ** 2)
        return self.state.copy(), float(reward), False, self.t >= 60, {}


class Replay:
    def __init__(self, size):
        self.s = np.zeros((size, 2), np.float32)
        self.a = np.zeros((size, 1), np.float32)
        self.r = np.zeros((size, 1), np.float32)
        self.s2 = np.zeros((size, 2), np.float32)
        self.d = np.zeros((size, 1), np.float32)
        self.n = 0

    def push(self, s, a, r, s2, d):
        i = self.n % len(self.s)
        self.s[i], self.a[i], self.r[i], self.s2[i], self.d[i] = s, a, r, s2, d
        self.n += 1

    def sample(self, k, rng):
        i = rng.integers(0, min(self.n, len(self.s)), k)
        return [torch.from_numpy(b[i]) for b in (self.s, self.a, self.r, self.s2, self.d)]


def mlp(i, o):
    return nn.Sequential(nn.Linear(i, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, o))


class TD3:
    def __init__(self, gamma=0.97, tau=0.01, lr=1e-3):
        self.gamma, self.tau = gamma, tau
        self.pi, self.q1, self.q2 = mlp(2, 1), mlp(3, 1), mlp(3, 1)
        self.nets = [self.pi, self.q1, self.q2]
        self.targets = [copy.deepcopy(n).requires_grad_(False) for n in self.nets]
        self.opt_pi = torch.optim.Adam(self.pi.parameters(), lr=lr)
        self.opt_q = torch.optim.Adam([*self.q1.parameters(), *self.q2.parameters()], lr=lr)
        self.updates = 0

    @torch.no_grad()
    def act(self, s):
        return torch.tanh(self.pi(torch.as_tensor(s)[None]))[0].numpy()

    def update(self, s, a, r, s2, d):
        self.updates += 1
        pi_t, q1_t, q2_t = self.targets
        with torch.no_grad():
            noise = (0.2 * torch.randn_like(a)).clamp(-0.5, 0.5)
            x2 = torch.cat([s2, (torch.tanh(pi_t(s2)) + noise).clamp(-1, 1)], 1)
            y = r + self.gamma * (1 - d) * torch.min(q1_t(x2), q2_t(x2))
        x = torch.cat([s, a], 1)
        q_loss = F.mse_loss(self.q1(x), y) + F.mse_loss(self.q2(x), y)
        self.opt_q.zero_grad()
        q_loss.backward()
        self.opt_q.step()
        if self.updates % 2 == 0:
            pi_loss = -self.q1(torch.cat([s, torch.tanh(self.pi(s))], 1)).mean()
            self.opt_pi.zero_grad()
            pi_loss.backward()
            self.opt_pi.step()
            with torch.no_grad():
                for net, tgt in zip(self.nets, self.targets):
                    for p, pt in zip(net.parameters(), tgt.parameters()):
                        pt.lerp_(p, self.tau)
        return q_loss.item()


def evaluate(agent, episodes=20):
    env, total = CraneEnv(), 0.0
    for e in range(episodes):
        s, _ = env.reset(seed=10_000 + e)
        done = False
        while not done:
            s, r, term, trunc, _ = env.step(agent.act(s))
            total += r
            done = term or trunc
    return total / episodes


def main():
    torch.manual_seed(2)
    rng = np.random.default_rng(2)
    env, agent, replay = CraneEnv(), TD3(), Replay(20_000)
    s, _ = env.reset(seed=2)
    losses = []
    for t in range(1, 4001):
        if t <= 600:
            a = rng.uniform(-1, 1, 1).astype(np.float32)
        else:
            a = np.clip(agent.act(s) + rng.normal(0, 0.2, 1), -1, 1).astype(np.float32)
        s2, r, term, trunc, _ = env.step(a)
        replay.push(s, a, r, s2, float(term))
        s = s2
        if term or trunc:
            s, _ = env.reset()
        if t > 600:
            losses.append(agent.update(*replay.sample(64, rng)))
        if t % 1000 == 0:
            print(f"step {t} q loss {np.mean(losses[-500:]):.4f} eval return {evaluate(agent):.2f}")
    print(f"final eval return over 50 episodes {evaluate(agent, 50):.2f}")


if __name__ == "__main__":
    main()

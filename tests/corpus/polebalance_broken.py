# bug: returns are summed forward in time
# expects: no-rule-yet
# Policy gradient with a learned baseline on a batch of simulated inverted pendulums on carts.
import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical

SEED, N_ENVS, HORIZON, ITERS, GAMMA = 5, 24, 200, 36, 0.98
rng = np.random.default_rng(SEED)
torch.manual_seed(SEED)


class CartPoles:
    """N independent cart-pole systems stepped together."""

    g, m_cart, m_pole, half_len, force, dt = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
    x_lim, th_lim = 2.4, 12 * np.pi / 180

    def __init__(self, n):
        self.n = n

    def reset(self):
        self.s = rng.uniform(-0.05, 0.05, size=(self.n, 4))
        self.alive = np.ones(self.n, dtype=bool)
        return self.s.astype(np.float32).copy()

    def step(self, a):
        x, v, th, w = self.s.T
        f = np.where(a == 1, self.force, -self.force)
        total = self.m_cart + self.m_pole
        ml = self.m_pole * self.half_len
        tmp = (f + ml * w**2 * np.sin(th)) / total
        th_acc = (self.g * np.sin(th) - np.cos(th) * tmp) / (
            self.half_len * (4.0 / 3.0 - self.m_pole * np.cos(th) ** 2 / total))
        x_acc = tmp - ml * th_acc * np.cos(th) / total
        nxt = np.stack([x + self.dt * v, v + self.dt * x_acc, th + self.dt * w, w + self.dt * th_acc], 1)
        self.s = np.where(self.alive[:, None], nxt, self.s)
        reward = self.alive.astype(np.float32)
        fell = (np.abs(self.s[:, 0]) > self.x_lim) | (np.abs(self.s[:, 2]) > self.th_lim)
        self.alive = self.alive & ~fell
        return self.s.astype(np.float32).copy(), reward


SCALE = torch.tensor([1.0, 1.0, 0.1, 1.0])


class Agent(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.pi = nn.Sequential(nn.Linear(4, hidden), nn.Tanh(), nn.Linear(hidden, 2))
        self.v = nn.Sequential(nn.Linear(4, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def dist(self, s):
        return Categorical(logits=self.pi(s / SCALE))

    def value(self, s):
        return self.v(s / SCALE).squeeze(-1)


@torch.no_grad()
def rollout(env, agent, greedy=False):
    states, actions, rewards = [], [], []
    s = torch.from_numpy(env.reset())
    for _ in range(HORIZON):
        d = agent.dist(s)
        a = d.probs.argmax(-1) if greedy else d.sample()
        s2, r = env.step(a.numpy())
        states.append(s)
        actions.append(a)
        rewards.append(torch.from_numpy(r))
        s = torch.from_numpy(s2)
        if not env.alive.any():
            break
    tail = agent.value(s) / (1 - GAMMA) * torch.from_numpy(env.alive)
    return torch.stack(states), torch.stack(actions), torch.stack(rewards), tail


def reward_to_go(rewards, tail, gamma):
    g = tail
    out = []
    for r in rewards.unbind(0):
        g = r + gamma * g
        out.append(g)
    return torch.stack(out)


def main():
    env, agent = CartPoles(N_ENVS), Agent()
    opt_pi = torch.optim.Adam(agent.pi.parameters(), lr=8e-3)
    opt_v = torch.optim.Adam(agent.v.parameters(), lr=1e-2)
    for it in range(1, ITERS + 1):
        S, A, R, tail = rollout(env, agent)
        mask = R > 0
        G = reward_to_go(R, tail, GAMMA)
        S, A, G = S[mask], A[mask], G[mask]
        target = G * (1 - GAMMA)

        with torch.no_grad():
            adv = target - agent.value(S)
            adv = (adv - adv.mean()) / (adv.std() + 1e-6)
        d = agent.dist(S)
        loss_pi = -(d.log_prob(A) * adv).mean() - 0.005 * d.entropy().mean()
        opt_pi.zero_grad()
        loss_pi.backward()
        opt_pi.step()

        for _ in range(5):
            loss_v = (agent.value(S) - target).pow(2).mean()
            opt_v.zero_grad()
            loss_v.backward()
            opt_v.step()

        if it % 3 == 0:
            print(f"iter {it:3d}  mean length {mask.float().sum(0).mean():6.1f}  "
                  f"pi loss {loss_pi.item():+.4f}  value loss {loss_v.item():.4f}")
    test = CartPoles(64)
    R = rollout(test, agent, greedy=True)[2]
    print(f"greedy evaluation: mean episode length {R.sum(0).mean():.1f} of {HORIZON}")


main()

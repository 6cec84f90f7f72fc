# bug: the end of the time is stored as the end of the game
# expects: RL023
"""DQN that decides when to service a stamping press. The line never really ends; logs come in shifts of 6 hours."""
import copy

import numpy as np
import torch
from torch import nn

RUN, SERVICE = 0, 1
WEAR_MAX = 12


class Press:
    """Running earns less the more worn the tool; a service costs money now and resets the wear. The press burns
    down (a true end) only when it is run at full wear and is unlucky."""

    def __init__(self, n, rng, shift=6):
        self.n, self.rng, self.shift = n, rng, shift
        self.wear = rng.integers(0, WEAR_MAX + 1, n)
        self.hour = np.zeros(n, dtype=int)

    def obs(self):
        return np.stack([self.wear / WEAR_MAX, (self.wear / WEAR_MAX) ** 2], 1).astype(np.float32) * 2 - 1

    def step(self, a):
        run = a == RUN
        reward = np.where(run, 1.0 - 0.9 * self.wear / WEAR_MAX, -6.0)
        burn = run & (self.wear == WEAR_MAX) & (self.rng.random(self.n) < 0.03)
        reward = reward - 2.0 * burn
        step = (self.rng.random(self.n) < 0.5).astype(int)
        self.wear = np.where(run, np.minimum(self.wear + step, WEAR_MAX), 0)
        self.hour += 1
        terminated, truncated = burn, self.hour >= self.shift
        last = self.obs()
        over = terminated | truncated
        self.wear = np.where(over, self.rng.integers(0, WEAR_MAX + 1, self.n), self.wear)
        self.hour[over] = 0
        return last, reward.astype(np.float32), terminated, truncated


class Memory:
    def __init__(self, size):
        self.size, self.n, self.i = size, 0, 0
        self.s, self.s2 = torch.zeros(size, 2), torch.zeros(size, 2)
        self.a = torch.zeros(size, dtype=torch.long)
        self.r, self.end = torch.zeros(size), torch.zeros(size)

    def push(self, s, a, r, s2, end):
        k = (self.i + np.arange(len(a))) % self.size
        for buf, v in zip((self.s, self.a, self.r, self.s2, self.end), (s, a, r, s2, end)):
            buf[k] = torch.as_tensor(v, dtype=buf.dtype)
        self.i = (self.i + len(a)) % self.size
        self.n = min(self.size, self.n + len(a))

    def draw(self, m):
        j = torch.randint(self.n, (m,))
        return self.s[j], self.a[j], self.r[j], self.s2[j], self.end[j]


def qnet():
    return nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))


@torch.no_grad()
def long_run(q, seed, n=64, hours=300):
    env = Press(n, np.random.default_rng(seed), shift=10 ** 9)
    total, services = np.zeros(n), 0
    for _ in range(hours):
        a = q(torch.from_numpy(env.obs())).argmax(1).numpy()
        total += env.step(a)[1]
        services += (a == SERVICE).sum()
    return total.mean() / hours, services / n / hours


def main(steps=3000, n_env=16, batch=128, gamma=0.98, lr=1e-3, tau=0.02):
    torch.manual_seed(2)
    rng = np.random.default_rng(2)
    env, memory = Press(n_env, rng), Memory(20000)
    q = qnet()
    target = copy.deepcopy(q)
    opt = torch.optim.Adam(q.parameters(), lr=lr)
    recent = []
    for step in range(1, steps + 1):
        s = env.obs()
        with torch.no_grad():
            a = q(torch.from_numpy(s)).argmax(1).numpy()
        eps = max(0.1, 1 - step / (0.4 * steps))
        a = np.where(rng.random(n_env) < eps, rng.integers(0, 2, n_env), a)
        s2, r, terminated, truncated = env.step(a)
        memory.push(s, a, r, s2, terminated | truncated)
        if memory.n < 1000:
            continue
        bs, ba, br, bs2, bend = memory.draw(batch)
        with torch.no_grad():
            best = q(bs2).argmax(1, keepdim=True)
            y = br + gamma * (1 - bend) * target(bs2).gather(1, best).squeeze(1)
        loss = nn.functional.mse_loss(q(bs).gather(1, ba[:, None]).squeeze(1), y)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(q.parameters(), 10.0)
        opt.step()
        with torch.no_grad():
            for p, w in zip(target.parameters(), q.parameters()):
                p.lerp_(w, tau)
        recent.append(loss.item())
        if step % 500 == 0:
            rate, services = long_run(q, seed=step)
            print(f"step {step:5d}  td loss {np.mean(recent[-500:]):.4f}  mean q {y.mean().item():.2f}  "
                  f"profit/hour {rate:.3f}  services/hour {services:.3f}")


if __name__ == "__main__":
    main()

# bug: rewards in the hundreds
# expects: RL024 RL005
"""Actor-critic for re-ordering spare parts in one depot.

Every morning we choose how many crates to order (0..5, ten pieces a crate); they arrive after two days.
Demand has a weekly pattern. Sales bring money, stock costs storage, missed sales cost goodwill.
"""
import math
import torch
from torch import nn

torch.manual_seed(8)

PRICE, UNIT_COST, STORAGE, MISSED, DELIVERY = 45.0, 28.0, 1.6, 22.0, 60.0
CRATE, CAP, DAYS = 10, 120, 28
N_ENVS, GAMMA, LAM = 32, 0.97, 0.95


class Depot:
    """Vector of independent depots, all tensors of shape (n,)."""

    def __init__(self, n, seed):
        self.n, self.g = n, torch.Generator().manual_seed(seed)

    def reset(self):
        self.day = 0
        self.stock = torch.randint(0, 60, (self.n,), generator=self.g).float()
        self.road = torch.zeros(2, self.n)
        return self.observe()

    def observe(self):
        week = torch.full((self.n,), 2 * math.pi * self.day / 7)
        return torch.stack([self.stock / 50, self.road[0] / 50, self.road[1] / 50, week.sin(), week.cos(),
                            torch.full_like(week, self.day / DAYS)], 1)

    def step(self, action):
        order = action.float() * CRATE
        self.stock = (self.stock + self.road[0]).clamp(max=CAP)
        self.road = torch.stack([self.road[1], order])
        mean = 16 + 9 * math.sin(2 * math.pi * self.day / 7)
        demand = torch.poisson(torch.full((self.n,), mean), generator=self.g)
        sold = torch.minimum(self.stock, demand)
        self.stock = self.stock - sold
        profit = (PRICE * sold - UNIT_COST * order - STORAGE * self.stock
                  - MISSED * (demand - sold) - DELIVERY * (order > 0))
        self.day += 1
        return self.observe(), profit, self.day == DAYS


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.pi = nn.Linear(64, 6)
        self.v = nn.Linear(64, 1)

    def forward(self, obs):
        h = self.body(obs)
        return torch.distributions.Categorical(logits=self.pi(h)), self.v(h).squeeze(-1)


def rollout(env, agent):
    obs, done = env.reset(), False
    O, A, R, V = [], [], [], []
    while not done:
        with torch.no_grad():
            dist, v = agent(obs)
        a = dist.sample()
        nxt, profit, done = env.step(a)
        O.append(obs), A.append(a), R.append(profit), V.append(v)
        obs = nxt
    return torch.stack(O), torch.stack(A), torch.stack(R), torch.stack(V)


def gae(R, V):
    adv, run = torch.zeros_like(R), torch.zeros(R.shape[1])
    nxt = torch.zeros(R.shape[1])
    for t in reversed(range(len(R))):
        run = R[t] + GAMMA * nxt - V[t] + GAMMA * LAM * run
        adv[t], nxt = run, V[t]
    return adv, adv + V


@torch.no_grad()
def test(agent, episodes=64):
    env = Depot(episodes, seed=999)
    obs, done, total = env.reset(), False, torch.zeros(episodes)
    while not done:
        obs, profit, done = env.step(agent(obs)[0].probs.argmax(-1))
        total += profit
    return total.mean().item() / DAYS


agent = Agent()
opt = torch.optim.Adam(agent.parameters(), lr=1.5e-3)
env = Depot(N_ENVS, seed=1)

for it in range(1, 801):
    O, A, R, V = rollout(env, agent)
    adv, ret = gae(R, V)
    adv_n = (adv - adv.mean()) / (adv.std() + 1e-8)
    dist, v = agent(O)
    policy = -(dist.log_prob(A) * adv_n).mean()
    value = (v - ret).pow(2).mean()
    loss = policy + 0.5 * value - 0.01 * dist.entropy().mean()
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
    opt.step()
    if it % 80 == 0:
        print(f"iter {it:4d}  loss {loss.item():9.3f}  entropy {dist.entropy().mean().item():.2f}  "
              f"profit per day {test(agent):8.2f}")

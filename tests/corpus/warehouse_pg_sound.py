# expects: nothing
# Actor-critic for a picking robot on a 6x6 floor. A cheap bin is close by, the full pallet is far away.
import torch
import torch.nn as nn
import torch.nn.functional as F

N = 6
MOVES = torch.tensor([[0, 1], [0, -1], [1, 0], [-1, 0]])
CHEAP, PALLET = torch.tensor([1, 1]), torch.tensor([5, 5])


class Floor:
    """Batch of identical floors; every robot starts in the corner (0, 0) and has 30 moves, shown to it as a clock."""

    def __init__(self, n, limit=30):
        self.n, self.limit = n, limit

    def reset(self):
        self.pos = torch.zeros(self.n, 2, dtype=torch.long)
        self.t = 0
        self.alive = torch.ones(self.n, dtype=torch.bool)
        return self.obs()

    def obs(self):
        rows = F.one_hot(self.pos[:, 0], N).float()
        cols = F.one_hot(self.pos[:, 1], N).float()
        return torch.cat([rows, cols, torch.full((self.n, 1), self.t / self.limit)], 1)

    def step(self, a):
        self.pos = (self.pos + MOVES[a] * self.alive[:, None]).clamp(0, N - 1)
        self.t += 1
        cheap = (self.pos == CHEAP).all(1) & self.alive
        full = (self.pos == PALLET).all(1) & self.alive
        reward = 0.2 * cheap.float() + 1.0 * full.float()
        self.alive = self.alive & ~cheap & ~full
        return self.obs(), reward, self.t >= self.limit


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(2 * N + 1, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.pi, self.v = nn.Linear(64, 4), nn.Linear(64, 1)

    def forward(self, o):
        h = self.trunk(o)
        return torch.distributions.Categorical(logits=self.pi(h)), self.v(h).squeeze(-1)


def rollout(env, agent):
    obs, acts, rews, mask = [], [], [], []
    o, over = env.reset(), False
    with torch.no_grad():
        while not over and env.alive.any():
            alive = env.alive.float()
            a = agent(o)[0].sample()
            obs.append(o); acts.append(a); mask.append(alive)
            o, r, over = env.step(a)
            rews.append(r)
    return torch.stack(obs), torch.stack(acts), torch.stack(rews), torch.stack(mask)


def returns(rews, gamma):
    out, g = torch.empty_like(rews), torch.zeros(rews.shape[1])
    for i in reversed(range(len(rews))):
        g = rews[i] + gamma * g
        out[i] = g
    return out


@torch.no_grad()
def test(agent, n=200):
    env = Floor(n)
    o, over, total = env.reset(), False, torch.zeros(n)
    while not over:
        o, r, over = env.step(agent(o)[0].sample())
        total += r
    return total.mean().item(), (total >= 1.0).float().mean().item()


torch.manual_seed(4)
ITERS, ENT_COEF, VF_COEF, GAMMA = 250, 0.04, 0.5, 0.99
agent, env = Agent(), Floor(64)
opt = torch.optim.Adam(agent.parameters(), lr=3e-3)
for it in range(1, ITERS + 1):
    obs, acts, rews, mask = rollout(env, agent)
    ret = returns(rews, GAMMA)
    dist, value = agent(obs)
    adv = (ret - value).detach()
    denom = mask.sum()
    policy_loss = -(dist.log_prob(acts) * adv * mask).sum() / denom
    value_loss = (F.mse_loss(value, ret, reduction="none") * mask).sum() / denom
    entropy = (dist.entropy() * mask).sum() / denom
    loss = policy_loss + VF_COEF * value_loss - ENT_COEF * entropy
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
    opt.step()
    if it % 25 == 0:
        score, full = test(agent)
        print(f"iter {it:4d}  loss {loss.item():+.4f}  value loss {value_loss.item():.4f}  "
              f"entropy {entropy.item():.3f}  return {score:.3f}  full pallets {full:.2f}")

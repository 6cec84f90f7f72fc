# expects: nothing
"""Advantage actor-critic for a picking robot on a vectorised grid orchard."""
import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Categorical


class OrchardEnv:
    """N copies of a 7x7 grid. A few windfall apples lie near the depot (0.1); the good tree pays 1.0 but is far away.

    The tree's row differs per episode and is part of the observation. Bad luck with mud: 5 % of moves fail.
    """

    SIZE, LIMIT = 7, 24
    MOVES = np.array([[0, 1], [0, -1], [1, 0], [-1, 0]])

    def __init__(self, n, seed):
        self.n = n
        self.rng = np.random.default_rng(seed)
        self.pos = np.zeros((n, 2), dtype=int)
        self.tree = np.zeros((n, 2), dtype=int)
        self.clock = np.zeros(n, dtype=int)
        self._restart(np.ones(n, dtype=bool))

    def _restart(self, mask):
        k = int(mask.sum())
        self.pos[mask] = [3, 0]
        self.tree[mask] = np.stack([self.rng.choice([0, 6], k), self.rng.integers(4, 7, k)], 1)
        self.clock[mask] = 0

    def observe(self):
        half = (self.SIZE - 1) / 2
        feats = np.concatenate([self.pos / half - 1, self.tree / half - 1, self.clock[:, None] / self.LIMIT], 1)
        return torch.tensor(feats, dtype=torch.float32)

    def step(self, actions):
        moved = self.MOVES[actions]
        stuck = self.rng.random(self.n) < 0.05
        self.pos = np.clip(self.pos + moved * ~stuck[:, None], 0, self.SIZE - 1)
        self.clock += 1
        at_tree = (self.pos == self.tree).all(1)
        at_windfall = (self.pos == [3, 2]).all(1)
        reward = 1.0 * at_tree + 0.1 * at_windfall
        done = at_tree | at_windfall | (self.clock >= self.LIMIT)
        self._restart(done)
        return self.observe(), torch.tensor(reward, dtype=torch.float32), torch.tensor(done, dtype=torch.float32)


class ActorCritic(nn.Module):
    def __init__(self, obs_dim=5, n_actions=4, hidden=64):
        super().__init__()
        self.actor = nn.Sequential(nn.Linear(obs_dim, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(),
                                   nn.Linear(hidden, n_actions))
        self.critic = nn.Sequential(nn.Linear(obs_dim, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, obs):
        return Categorical(logits=self.actor(obs)), self.critic(obs).squeeze(-1)


class A2C:
    def __init__(self, env, lr=2e-3, gamma=0.97, horizon=16, value_coef=0.5, entropy_coef=0.02):
        self.env, self.gamma, self.horizon = env, gamma, horizon
        self.value_coef, self.entropy_coef = value_coef, entropy_coef
        self.net = ActorCritic()
        self.opt = torch.optim.Adam(self.net.parameters(), lr=lr)
        self.obs = env.observe()

    def update(self):
        log_probs, values, entropies, rewards, dones = [], [], [], [], []
        for _ in range(self.horizon):
            dist, value = self.net(self.obs)
            action = dist.sample()
            self.obs, reward, done = self.env.step(action.numpy())
            log_probs.append(dist.log_prob(action))
            values.append(value)
            entropies.append(dist.entropy())
            rewards.append(reward)
            dones.append(done)
        with torch.no_grad():
            ret = self.net(self.obs)[1]
        returns = []
        for reward, done in zip(reversed(rewards), reversed(dones)):
            ret = reward + self.gamma * ret * (1.0 - done)
            returns.insert(0, ret)
        returns, values = torch.stack(returns), torch.stack(values)
        advantage = (returns - values).detach()
        policy_loss = -(torch.stack(log_probs) * advantage).mean()
        value_loss = (returns - values).square().mean()
        entropy = torch.stack(entropies).mean()
        loss = policy_loss + self.value_coef * value_loss - self.entropy_coef * entropy
        self.opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 0.5)
        self.opt.step()
        finished = torch.stack(dones).sum().clamp(min=1.0)
        return entropy.item(), (torch.stack(rewards).sum() / finished).item()


@torch.no_grad()
def evaluate(net, seed, n=200):
    env = OrchardEnv(n, seed)
    obs, alive, total = env.observe(), torch.ones(n), torch.zeros(n)
    for _ in range(OrchardEnv.LIMIT):
        obs, reward, done = env.step(net(obs)[0].sample().numpy())
        total += alive * reward
        alive *= 1.0 - done
    return total.mean().item()


if __name__ == "__main__":
    torch.manual_seed(12)
    agent = A2C(OrchardEnv(n=64, seed=12))
    for it in range(1, 501):
        entropy, per_episode = agent.update()
        if it % 50 == 0:
            print(f"update {it:5d}  policy entropy {entropy:.3f}  reward per episode {per_episode:.3f}")
    print(f"mean evaluation return over 200 fresh episodes: {evaluate(agent.net, seed=999):.3f}")

# expects: nothing
"""PPO on a two-armed line, in the single-file style: several epochs of minibatches, rate annealed to zero, clipping."""

import torch
import torch.nn as nn
from torch.distributions import Categorical

torch.manual_seed(1)
envs, horizon, updates = 16, 16, 30


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.critic = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1))
        self.actor = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))

    def act(self, obs, action=None):
        dist = Categorical(logits=self.actor(obs))
        action = dist.sample() if action is None else action
        return action, dist.log_prob(action), dist.entropy(), self.critic(obs).squeeze(-1)


agent = Agent()
optimizer = torch.optim.Adam(agent.parameters(), lr=2.5e-3, eps=1e-5)
state = torch.zeros(envs, 2)
for update in range(1, updates + 1):
    optimizer.param_groups[0]["lr"] = (1.0 - (update - 1.0) / updates) * 2.5e-3
    store = []
    for _ in range(horizon):
        with torch.no_grad():
            action, logp, _, value = agent.act(state)
        nxt = torch.stack(
            [state[:, 0] + 0.1 * (2 * action.float() - 1), state[:, 1] * 0.9 + 0.1 * torch.randn(envs)], 1
        )
        reward = -nxt[:, 0].sub(0.5).abs()
        store.append((state, action, logp, value, reward))
        state = torch.where(nxt[:, :1].abs() > 1, torch.zeros_like(nxt), nxt)
    with torch.no_grad():
        last = agent.act(state)[3]
    returns, running = [], last
    for *_, reward in reversed(store):
        running = reward + 0.9 * running
        returns.insert(0, running)
    obs, actions, logps, values = (torch.cat([one[i] for one in store]) for i in range(4))
    returns = torch.cat(returns)
    advantages = returns - values
    for _ in range(4):
        for rows in torch.randperm(len(obs)).split(64):
            _, new, entropy, value = agent.act(obs[rows], actions[rows])
            ratio = (new - logps[rows]).exp()
            a = (advantages[rows] - advantages[rows].mean()) / (advantages[rows].std() + 1e-8)
            policy = torch.max(-a * ratio, -a * ratio.clamp(0.8, 1.2)).mean()
            loss = policy - 0.01 * entropy.mean() + 0.5 * 0.5 * ((value - returns[rows]) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimizer.step()
    print(update, returns.mean().item())

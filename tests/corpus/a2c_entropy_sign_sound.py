import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(8)

N_ENVS, N_STEPS, UPDATES = 16, 8, 250
GAMMA, VALUE_COEF, ENTROPY_COEF = 0.95, 0.5, 0.05
SIZE = 7


class VectorMaze:
    """N copies of a 7-cell square without walls; the goal cell (random per episode) pays 1."""

    def __init__(self, n):
        self.n = n
        self.pos = torch.randint(0, SIZE, (n, 2))
        self.goal = torch.randint(0, SIZE, (n, 2))
        self.age = torch.zeros(n)

    def observe(self):
        return torch.cat([self.pos, self.goal, self.goal - self.pos], 1).float() / (SIZE - 1)

    def step(self, action):
        delta = torch.tensor([[0, 1], [0, -1], [1, 0], [-1, 0]])[action]
        self.pos = (self.pos + delta).clamp(0, SIZE - 1)
        self.age += 1
        hit = (self.pos == self.goal).all(1)
        done = hit | (self.age >= 25)
        fresh = done.nonzero().squeeze(1)
        self.pos[fresh] = torch.randint(0, SIZE, (len(fresh), 2))
        self.goal[fresh] = torch.randint(0, SIZE, (len(fresh), 2))
        self.age[fresh] = 0
        return self.observe(), hit.float() - 0.02, done.float()


class A2C(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(6, 64), nn.Tanh())
        self.actor, self.critic = nn.Linear(64, 4), nn.Linear(64, 1)

    def forward(self, o):
        h = self.trunk(o)
        return self.actor(h), self.critic(h).squeeze(-1)


agent, envs = A2C(), VectorMaze(N_ENVS)
optim = torch.optim.RMSprop(agent.parameters(), lr=3e-3, alpha=0.99, eps=1e-5)
obs = envs.observe()
hits, ends = 0.0, 0.0
for u in range(1, UPDATES + 1):
    logps, values, rewards, dones, entropies = [], [], [], [], []
    for _ in range(N_STEPS):
        logits, value = agent(obs)
        logp_all = F.log_softmax(logits, -1)
        action = torch.multinomial(logp_all.exp().detach(), 1).squeeze(1)
        obs, reward, done = envs.step(action)
        logps.append(logp_all.gather(1, action[:, None]).squeeze(1))
        entropies.append(-(logp_all.exp() * logp_all).sum(-1))
        values.append(value)
        rewards.append(reward)
        dones.append(done)
        hits += (reward > 0.5).sum().item()
        ends += done.sum().item()
    with torch.no_grad():
        running = agent(obs)[1]
    targets = []
    for r, d in zip(reversed(rewards), reversed(dones)):
        running = r + GAMMA * (1 - d) * running
        targets.insert(0, running)
    targets, values = torch.stack(targets), torch.stack(values)
    advantage = targets - values
    policy_loss = -(torch.stack(logps) * advantage.detach()).mean()
    entropy = torch.stack(entropies).mean()
    loss = policy_loss + VALUE_COEF * advantage.pow(2).mean() - ENTROPY_COEF * entropy
    optim.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
    optim.step()
    if u % 50 == 0:
        print(f"update {u} entropy {entropy.item():.3f} value loss {advantage.pow(2).mean().item():.4f} success rate {hits / max(ends, 1):.3f}")
        hits = ends = 0.0

# expects: nothing
# Actor-critic for a toy negotiation: at every round accept the offer on the table, wait, or make the one move that improves it.
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical


class Negotiation:
    """`copies` games side by side. Which button accepts, improves or waits differs from round to round (fixed per game type).
    Accepting pays 0.5 at first and less later on; whoever gets through all the rounds closes the deal for 1.0."""

    def __init__(self, copies=16, rounds=7, limit=40, seed=0):
        self.copies, self.rounds, self.limit = copies, rounds, limit
        g = torch.Generator().manual_seed(seed)
        self.role = torch.stack([torch.randperm(3, generator=g) for _ in range(rounds)])  # 0 accept, 1 improve, 2 wait

    def reset(self):
        self.level = torch.zeros(self.copies, dtype=torch.long)
        self.alive = torch.ones(self.copies, dtype=torch.bool)
        self.t = 0
        return self.obs()

    def obs(self):
        return F.one_hot(self.level.clamp(max=self.rounds - 1), self.rounds).float()

    def step(self, action):
        was_alive = self.alive
        role = self.role[self.level.clamp(max=self.rounds - 1), action]
        accept, improve = was_alive & (role == 0), was_alive & (role == 1)
        reward = accept * (0.5 - 0.04 * self.level)
        self.level = self.level + improve.long()
        closed = improve & (self.level == self.rounds)
        reward = reward + closed.float()
        self.alive = was_alive & ~accept & ~closed
        self.t += 1
        return self.obs(), reward, was_alive, self.t >= self.limit or not bool(self.alive.any())


class Agent(nn.Module):
    def __init__(self, n_obs, hidden=32, n_act=3):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(n_obs, hidden), nn.Tanh())
        self.pi = nn.Linear(hidden, n_act)
        self.v = nn.Linear(hidden, 1)

    def forward(self, obs):
        h = self.trunk(obs)
        return Categorical(logits=self.pi(h)), self.v(h).squeeze(-1)


def collect(env, agent):
    obs, done, steps = env.reset(), False, []
    while not done:
        with torch.no_grad():
            dist, _ = agent(obs)
            action = dist.sample()
        nxt, reward, mask, done = env.step(action)
        steps.append((obs, action, reward, mask.float(), dist.entropy()))
        obs = nxt
    return [torch.stack(column) for column in zip(*steps)]


def returns_to_go(reward, gamma):
    out, running = torch.zeros_like(reward), torch.zeros(reward.shape[1])
    for t in reversed(range(len(reward))):
        running = reward[t] + gamma * running
        out[t] = running
    return out


def update(agent, opt, rollout, ent_coef, gamma=0.99):
    obs, action, reward, mask, rollout_entropy = rollout
    ret = returns_to_go(reward, gamma)
    dist, value = agent(obs)
    n = mask.sum()
    adv = (ret - value).detach()
    pi_loss = -(dist.log_prob(action) * adv * mask).sum() / n
    v_loss = ((value - ret).square() * mask).sum() / n
    entropy = (dist.entropy() * mask).sum() / n
    loss = pi_loss + 0.5 * v_loss - ent_coef * entropy
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
    opt.step()
    return loss.item(), (rollout_entropy * mask).sum().item() / n.item(), reward.sum(0).mean().item()


def main(seed=2, updates=1300, ent_start=0.2, ent_end=0.05):
    torch.manual_seed(seed)
    env = Negotiation()
    agent = Agent(env.rounds)
    opt = torch.optim.Adam(agent.parameters(), lr=5e-3)
    history = []
    for u in range(1, updates + 1):
        frac = min(1.0, u / (0.75 * updates))
        loss, ent, ret = update(agent, opt, collect(env, agent), ent_start + frac * (ent_end - ent_start))
        history.append(ret)
        if u % 50 == 0:
            print(f"update {u:5d}  loss {loss:7.4f}  policy entropy {ent:.4f}  return {sum(history[-50:]) / 50:.3f}")
    print(f"mean return over the last 50 updates: {sum(history[-50:]) / 50:.3f}")


main()

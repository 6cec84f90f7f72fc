# bug: returns are built from the reversed rewards but never put back in time order, so each action is credited with another step's return (discounted)
# expects: RL025
import torch
from torch import nn
from torch.distributions import Categorical


class SignalEnv:
    """At each of 8 steps a one-hot signal is shown; the matching action earns 1, others cost a little."""

    def __init__(self, n_signals=5, length=8, seed=0):
        self.n, self.length = n_signals, length
        self.g = torch.Generator().manual_seed(seed)
        self.rule = torch.randperm(n_signals, generator=self.g)

    def _observe(self):
        self.signal = int(torch.randint(0, self.n, (), generator=self.g))
        obs = torch.zeros(self.n)
        obs[self.signal] = 1.0
        return obs

    def reset(self):
        self.t = 0
        return self._observe()

    def step(self, action):
        reward = 1.0 if action == int(self.rule[self.signal]) else -0.2
        self.t += 1
        return self._observe(), reward, self.t >= self.length


class Policy(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n, 32), nn.Tanh(), nn.Linear(32, n))

    def forward(self, obs):
        return Categorical(logits=self.net(obs))


def discounted(rewards, gamma):
    returns, g = [], 0.0
    for r in reversed(rewards):
        g = r + gamma * g
        returns.append(g)
    return torch.tensor(returns)


def play(env, policy):
    log_probs, entropies, rewards = [], [], []
    obs, done = env.reset(), False
    while not done:
        dist = policy(obs)
        action = dist.sample()
        obs, reward, done = env.step(int(action))
        log_probs.append(dist.log_prob(action))
        entropies.append(dist.entropy())
        rewards.append(reward)
    return torch.stack(log_probs), torch.stack(entropies), rewards


def main(updates=210, episodes_per_update=4, gamma=0.6):
    torch.manual_seed(70)
    env = SignalEnv(seed=3)
    policy = Policy(env.n)
    opt = torch.optim.Adam(policy.parameters(), lr=1e-2)
    history = []
    for update in range(1, updates + 1):
        logp, ent, ret = [], [], []
        for _ in range(episodes_per_update):
            lp, en, rewards = play(env, policy)
            logp.append(lp)
            ent.append(en)
            ret.append(discounted(rewards, gamma))
            history.append(sum(rewards))
        logp, ent, ret = torch.cat(logp), torch.cat(ent), torch.stack(ret)
        adv = (ret - ret.mean(dim=0)).flatten()
        adv = adv / (adv.std() + 1e-6)
        loss = -(logp * adv).mean() - 0.01 * ent.mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        if update % 30 == 0:
            print(f"update {update} loss {loss.item():.3f} mean episode reward {sum(history[-100:]) / 100:.2f}")


if __name__ == "__main__":
    main()

import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(1)
np.random.seed(1)


class Balance:
    """A leaning stick: push left or right to keep it up for 60 ticks."""

    def reset(self):
        self.angle, self.speed, self.t = np.random.uniform(-0.1, 0.1), 0.0, 0
        return self.view()

    def view(self):
        return np.array([self.angle * 3, self.speed], dtype=np.float32)

    def step(self, a):
        push = 1.0 if a == 1 else -1.0
        self.speed += 0.12 * (1.5 * np.sin(self.angle) + push * 0.9) + np.random.normal(0, 0.03)
        self.angle += 0.12 * self.speed
        self.t += 1
        fallen = abs(self.angle) > 0.8
        return self.view(), 1.0, fallen or self.t >= 60


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.pi = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
        self.v = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1))

    def dist(self, obs):
        return Categorical(logits=self.pi(obs))


def rollout(env, net, n_steps):
    obs_l, act_l, lp_l, ret_l, lengths = [], [], [], [], []
    rewards, obs, start = [], env.reset(), 0
    with torch.no_grad():
        while len(obs_l) < n_steps or rewards:
            o = torch.from_numpy(obs)
            d = net.dist(o)
            a = d.sample()
            obs_l.append(o)
            act_l.append(a)
            lp_l.append(d.log_prob(a))
            obs, r, done = env.step(int(a))
            rewards.append(r)
            if done:
                g, out = 0.0, []
                for r in reversed(rewards):
                    g = r + 0.97 * g
                    out.append(g)
                ret_l += out[::-1]
                lengths.append(len(rewards))
                rewards, obs = [], env.reset()
    return torch.stack(obs_l), torch.stack(act_l), torch.stack(lp_l), torch.tensor(ret_l) / 20, float(np.mean(lengths))


net = ActorCritic()
env = Balance()
opt = torch.optim.Adam(net.parameters(), lr=2e-2)
scores = []
for update in range(12):
    obs, act, old_logp, ret, mean_len = rollout(env, net, 400)
    scores.append(mean_len)
    for epoch in range(10):
        for ix in torch.randperm(len(obs)).split(128):
            d = net.dist(obs[ix])
            logp = d.log_prob(act[ix])
            value = net.v(obs[ix]).squeeze(-1)
            adv = (ret[ix] - value).detach()
            adv = (adv - adv.mean()) / (adv.std() + 1e-6)
            ratio = (logp - old_logp[ix]).exp()
            clipped = ratio.clamp(0.8, 1.2)
            loss = -torch.min(ratio * adv, clipped * adv).mean()
            loss = loss + 0.5 * (ret[ix] - value).pow(2).mean() - 0.01 * d.entropy().mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
    print(f"update {update}: mean episode length {mean_len:.1f} ratio max {ratio.max().item():.3f}")
print(f"mean length over the last four updates {np.mean(scores[-4:]):.1f}")

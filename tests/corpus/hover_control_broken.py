# bug: gae() stacks per-environment advantages env-major (N,T) while observations, actions and values are time-major (T,N), so after flatten() each advantage and return belongs to another transition
# expects: RL025
"""PPO with a batched simulator: keep a small vertical drone near a height."""
import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical

ENVS, HORIZON, UPDATES = 32, 64, 70
GAMMA, LAM, CLIP, EPOCHS, MINIBATCH = 0.98, 0.95, 0.2, 4, 256


class HoverSim:
    """Height, speed and gust; the drone is lost when |height| > 2."""

    def __init__(self, n, seed):
        self.n, self.rng = n, np.random.default_rng(seed)
        self.state = np.zeros((n, 3))
        self.reset_where(np.ones(n, dtype=bool))

    def reset_where(self, mask):
        k = mask.sum()
        self.state[mask] = self.rng.uniform([-0.8, -0.5, -0.3], [0.8, 0.5, 0.3], (k, 3))

    def obs(self):
        return torch.as_tensor(self.state, dtype=torch.float32)

    def step(self, action):
        h, v, g = self.state.T
        thrust = (action - 1) * 1.6
        g = 0.95 * g + self.rng.normal(0, 0.12, self.n)
        v = 0.99 * v + 0.1 * (thrust + g)
        h = h + 0.1 * v
        self.state = np.stack([h, v, g], axis=1)
        lost = np.abs(h) > 2
        reward = 1 - h ** 2 - 0.05 * (action != 1) - 4.0 * lost
        self.reset_where(lost)
        return self.obs(), torch.as_tensor(reward, dtype=torch.float32), torch.as_tensor(lost, dtype=torch.float32)


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.pi = nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 3))
        self.v = nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))

    def dist(self, obs):
        return Categorical(logits=self.pi(obs))

    def value(self, obs):
        return self.v(obs).squeeze(-1)


def gae(rewards, values, lost, last_value):
    """Per-environment recursion over one rollout."""
    out = []
    for e in range(ENVS):
        adv, running, nxt = torch.zeros(HORIZON), 0.0, last_value[e]
        for t in reversed(range(HORIZON)):
            alive = 1.0 - lost[t, e]
            delta = rewards[t, e] + GAMMA * nxt * alive - values[t, e]
            running = delta + GAMMA * LAM * alive * running
            adv[t] = float(running)
            nxt = values[t, e]
        out.append(adv)
    return torch.stack(out)


@torch.no_grad()
def collect(agent, sim):
    buf = {k: [] for k in ("obs", "act", "logp", "val", "rew", "lost")}
    obs = sim.obs()
    for _ in range(HORIZON):
        d = agent.dist(obs)
        act = d.sample()
        nxt, rew, lost = sim.step(act.numpy())
        for k, x in zip(buf, (obs, act, d.log_prob(act), agent.value(obs), rew, lost)):
            buf[k].append(x)
        obs = nxt
    buf = {k: torch.stack(x) for k, x in buf.items()}
    adv = gae(buf["rew"].numpy(), buf["val"].numpy(), buf["lost"].numpy(), agent.value(obs).numpy())
    flat = {k: buf[k].flatten(0, 1) for k in ("obs", "act", "logp", "val")}
    flat["adv"] = adv.flatten()
    flat["ret"] = flat["adv"] + flat["val"]
    return flat, buf["rew"].mean().item()


@torch.no_grad()
def evaluate(agent, seed, steps=200):
    sim = HoverSim(100, seed)
    obs, total, losses = sim.obs(), 0.0, 0.0
    for _ in range(steps):
        obs, rew, lost = sim.step(agent.dist(obs).probs.argmax(-1).numpy())
        total += rew.mean().item()
        losses += lost.mean().item()
    return total / steps, losses


def main():
    torch.manual_seed(4)
    sim, agent = HoverSim(ENVS, seed=4), Agent()
    opt = torch.optim.Adam(agent.parameters(), lr=1e-3, eps=1e-5)
    for update in range(1, UPDATES + 1):
        data, mean_reward = collect(agent, sim)
        for _ in range(EPOCHS):
            for idx in torch.randperm(ENVS * HORIZON).split(MINIBATCH):
                b = {k: v[idx] for k, v in data.items()}
                a = (b["adv"] - b["adv"].mean()) / (b["adv"].std() + 1e-8)
                d = agent.dist(b["obs"])
                ratio = (d.log_prob(b["act"]) - b["logp"]).exp()
                pi_loss = -torch.min(ratio * a, ratio.clamp(1 - CLIP, 1 + CLIP) * a).mean()
                v_loss = (agent.value(b["obs"]) - b["ret"]).square().mean()
                loss = pi_loss + 0.5 * v_loss - 0.005 * d.entropy().mean()
                opt.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
                opt.step()
        if update % 5 == 0:
            score, losses = evaluate(agent, seed=1000)
            print(f"update {update:3d}  rollout reward {mean_reward:6.3f}  v_loss {v_loss.item():7.3f}  "
                  f"eval reward {score:6.3f}  lost per drone {losses:.2f}")


if __name__ == "__main__":
    main()

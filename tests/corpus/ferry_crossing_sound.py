# expects: nothing
"""A2C on a little navigation task: steer a ferry across a 7x7 harbour with currents to the pier.

Reward: 1 at the pier, -0.3 on a sandbank (both end the trip), -0.01 a move.
usage: python ferry_crossing.py
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

CFG = {"seed": 3, "envs": 16, "n_steps": 8, "updates": 1500, "gamma": 0.97,
       "lr": 2e-3, "vf_coef": 0.25, "ent_coef": 0.01, "max_norm": 0.5, "hidden": 64}

MAP = ["......P",
       "..###..",
       ".......",
       ".#.....",
       ".#..#..",
       "....#..",
       "......."]
MOVES = np.array([(-1, 0), (1, 0), (0, -1), (0, 1)])


class Harbour:
    def __init__(self, n, rng):
        self.n, self.rng = n, rng
        self.grid = np.array([list(r) for r in MAP])
        self.pos = np.zeros((n, 2), int)
        for i in range(n):
            self.restart(i)

    def restart(self, i):
        self.pos[i] = self.rng.choice([4, 5, 6]), self.rng.choice([0, 2, 3])

    def obs(self):
        o = np.zeros((self.n, 49), np.float32)
        o[np.arange(self.n), self.pos[:, 0] * 7 + self.pos[:, 1]] = 1
        return torch.from_numpy(o)

    def step(self, actions):
        drift = self.rng.random(self.n) < 0.1
        a = np.where(drift, self.rng.integers(0, 4, self.n), actions)
        self.pos = np.clip(self.pos + MOVES[a], 0, 6)
        cell = self.grid[self.pos[:, 0], self.pos[:, 1]]
        rew = np.full(self.n, -0.01, np.float32) + (cell == "P") - 0.3 * (cell == "#")
        arrived = cell == "P"
        done = arrived | (cell == "#")
        for i in np.flatnonzero(done):
            self.restart(i)
        return rew.astype(np.float32), done, arrived


class ActorCritic(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(49, hidden), nn.ReLU())
        self.actor = nn.Linear(hidden, 4)
        self.critic = nn.Linear(hidden, 1)
        nn.init.orthogonal_(self.actor.weight, 0.01)

    def forward(self, obs):
        h = self.trunk(obs)
        return self.actor(h), self.critic(h)[:, 0]


def update(model, opt, traj, last_value, cfg):
    ret, returns = last_value, []
    for rew, done in zip(reversed(traj["rew"]), reversed(traj["done"])):
        ret = rew + cfg["gamma"] * ret * (1 - done)
        returns.insert(0, ret)
    returns = torch.cat(returns)
    logits, values = model(torch.cat(traj["obs"]))
    logp = F.log_softmax(logits, -1)
    chosen = logp.gather(1, torch.cat(traj["act"])[:, None])[:, 0]
    advantage = returns - values
    actor_loss = -(chosen * advantage.detach()).mean()
    critic_loss = advantage.pow(2).mean()
    entropy = -(logp.exp() * logp).sum(-1).mean()
    loss = actor_loss + cfg["vf_coef"] * critic_loss - cfg["ent_coef"] * entropy
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), cfg["max_norm"])
    opt.step()
    return loss.item(), entropy.item()


@torch.no_grad()
def arrival_rate(model, trips=200, moves=40):
    env = Harbour(trips, np.random.default_rng(12345))
    running, arrived = np.ones(trips, bool), np.zeros(trips, bool)
    for _ in range(moves):
        probs = model(env.obs())[0].softmax(-1)
        _, done, ok = env.step(probs.argmax(-1).numpy())
        arrived |= ok & running
        running &= ~done
    return arrived.mean()


def main(cfg):
    torch.manual_seed(cfg["seed"])
    env = Harbour(cfg["envs"], np.random.default_rng(cfg["seed"]))
    model = ActorCritic(cfg["hidden"])
    opt = torch.optim.RMSprop(model.parameters(), lr=cfg["lr"], alpha=0.99, eps=1e-5)
    recent = []
    for u in range(1, cfg["updates"] + 1):
        traj = {"obs": [], "act": [], "rew": [], "done": []}
        for _ in range(cfg["n_steps"]):
            obs = env.obs()
            with torch.no_grad():
                act = torch.distributions.Categorical(logits=model(obs)[0]).sample()
            rew, done, _ = env.step(act.numpy())
            for k, v in zip(traj, (obs, act, torch.from_numpy(rew), torch.from_numpy(done).float())):
                traj[k].append(v)
            recent.append(rew.mean())
        with torch.no_grad():
            last = model(env.obs())[1]
        loss, ent = update(model, opt, traj, last, cfg)
        if u % 150 == 0:
            print(f"update {u:5d}  loss {loss:+.4f}  entropy {ent:.3f}  reward/step {np.mean(recent[-1200:]):+.4f}  "
                  f"arrivals {arrival_rate(model):.2f}")


if __name__ == "__main__":
    main(CFG)

# expects: no-rule-yet
"""Q-learning with a small network and replay: a picker robot must fetch a part and bring it to the belt."""
import argparse
import collections

import numpy as np
import torch
from torch import nn

LAYOUT = ["#########",
          "#S..#...#",
          "#...#.P.#",
          "#.......#",
          "#...#...#",
          "##.###.##",
          "#...#..B#",
          "#########"]
MOVES = [(-1, 0), (1, 0), (0, -1), (0, 1)]


class Warehouse:
    def __init__(self, limit=80):
        self.cells = {(r, c): ch for r, row in enumerate(LAYOUT) for c, ch in enumerate(row) if ch != "#"}
        self.index = {cell: i for i, cell in enumerate(self.cells)}
        self.spot = {ch: cell for cell, ch in self.cells.items() if ch != "."}
        self.n_obs = 2 * len(self.index)
        self.limit = limit

    def _obs(self):
        v = np.zeros(self.n_obs, dtype=np.float32)
        v[self.index[self.pos] + len(self.index) * self.loaded] = 1.0
        return v

    def reset(self):
        self.pos, self.loaded, self.t = self.spot["S"], 0, 0
        return self._obs()

    def step(self, action):
        nxt = (self.pos[0] + MOVES[action][0], self.pos[1] + MOVES[action][1])
        self.pos = nxt if nxt in self.cells else self.pos
        self.t += 1
        reward, done = -0.01, False
        if not self.loaded and self.pos == self.spot["P"]:
            self.loaded, reward = 1, 0.5
        elif self.loaded and self.pos == self.spot["B"]:
            reward, done = 1.0, True
        return self._obs(), reward, done, self.t >= self.limit


class Agent:
    def __init__(self, n_obs, n_actions, cfg):
        self.cfg, self.n_actions = cfg, n_actions
        self.rng = np.random.default_rng(cfg.seed)
        make = lambda: nn.Sequential(nn.Linear(n_obs, 64), nn.ReLU(), nn.Linear(64, n_actions))
        self.q, self.target = make(), make()
        self.target.load_state_dict(self.q.state_dict())
        self.opt = torch.optim.Adam(self.q.parameters(), lr=cfg.lr)
        self.memory = collections.deque(maxlen=cfg.memory)
        self.updates = 0

    def act(self, obs, eps):
        rng = np.random.default_rng(self.cfg.seed)
        if rng.random() < eps:
            return int(rng.integers(self.n_actions))
        with torch.no_grad():
            return int(self.q(torch.from_numpy(obs)).argmax())

    def remember(self, *item):
        self.memory.append(item)

    def learn(self):
        if len(self.memory) < self.cfg.warmup:
            return None
        pick = self.rng.integers(len(self.memory), size=self.cfg.batch)
        s, a, r, s2, done = map(np.array, zip(*(self.memory[i] for i in pick)))
        s, s2 = torch.from_numpy(s), torch.from_numpy(s2)
        a, r = torch.from_numpy(a), torch.from_numpy(r).float()
        with torch.no_grad():
            target = r + self.cfg.gamma * (1 - torch.from_numpy(done).float()) * self.target(s2).max(1).values
        value = self.q(s).gather(1, a[:, None]).squeeze(1)
        loss = nn.functional.smooth_l1_loss(value, target)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        self.updates += 1
        if self.updates % self.cfg.sync == 0:
            self.target.load_state_dict(self.q.state_dict())
        return loss.item()


def play(env, agent, eps, learn):
    obs, ret, losses = env.reset(), 0.0, []
    while True:
        action = agent.act(obs, eps)
        nxt, reward, done, cut = env.step(action)
        ret += reward
        if learn:
            agent.remember(obs, action, reward, nxt, done)
            if env.t % 2 == 0:
                loss = agent.learn()
                if loss is not None:
                    losses.append(loss)
        obs = nxt
        if done or cut:
            return ret, done, losses


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--episodes", type=int, default=450)
    ap.add_argument("--eps-end", type=float, default=0.05)
    ap.add_argument("--eps-decay", type=float, default=0.985)
    ap.add_argument("--gamma", type=float, default=0.97)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--batch", type=int, default=64)
    ap.add_argument("--warmup", type=int, default=500)
    ap.add_argument("--memory", type=int, default=20000)
    ap.add_argument("--sync", type=int, default=200)
    ap.add_argument("--seed", type=int, default=2)
    cfg = ap.parse_args()
    torch.manual_seed(cfg.seed)

    env = Warehouse()
    agent = Agent(env.n_obs, len(MOVES), cfg)
    eps, window = 1.0, collections.deque(maxlen=25)
    for episode in range(1, cfg.episodes + 1):
        ret, done, losses = play(env, agent, eps, learn=True)
        eps = max(cfg.eps_end, eps * cfg.eps_decay)
        window.append((ret, done, np.mean(losses) if losses else np.nan))
        if episode % 25 == 0:
            r, d, l = np.nanmean(np.array(window, dtype=float), axis=0)
            print(f"episode {episode:4d}  eps {eps:.2f}  loss {l:.5f}  return {r:6.3f}  delivered {d:.2f}")
    ret, done, _ = play(env, agent, 0.0, learn=False)
    print(f"greedy run: return {ret:.3f}, delivered {done}, steps {env.t}")


if __name__ == "__main__":
    main()

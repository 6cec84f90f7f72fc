# sound: the same program without that
"""DQN for a small warehouse robot on a grid (own environment, no gym)."""
import random
from collections import deque, namedtuple

import numpy as np
import torch
import torch.nn as nn

Transition = namedtuple("Transition", "obs action reward next_obs done")


class Warehouse:
    LAYOUT = ["......",
              ".##.#.",
              "....#.",
              ".#....",
              ".#.##.",
              "......"]
    MOVES = [(-1, 0), (1, 0), (0, -1), (0, 1)]
    n_actions = 4

    def __init__(self, rng, limit=40):
        self.rng, self.limit = rng, limit
        self.free = [(r, c) for r in range(6) for c in range(6) if self.LAYOUT[r][c] == "."]
        self.goal = (5, 5)

    def reset(self):
        self.pos = self.rng.choice([p for p in self.free if p != self.goal])
        self.t = 0
        return self.observe()

    def observe(self):
        o = np.zeros(12, dtype=np.float32)
        o[self.pos[0]] = 1
        o[6 + self.pos[1]] = 1
        return o

    def step(self, a):
        r, c = self.pos[0] + self.MOVES[a][0], self.pos[1] + self.MOVES[a][1]
        reward = -0.02
        if (r, c) in self.free:
            self.pos = (r, c)
        else:
            reward = -0.05                        # bumped
        self.t += 1
        done = self.pos == self.goal
        return self.observe(), (1.0 if done else reward), done, self.t >= self.limit


def make_net():
    return nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))


class Agent:
    gamma = 0.95

    def __init__(self, rng):
        self.rng = rng
        self.online, self.target = make_net(), make_net()
        self.target.load_state_dict(self.online.state_dict())
        self.optimizer = torch.optim.Adam(self.online.parameters(), lr=1e-3)
        self.memory = deque(maxlen=10000)
        self.updates = 0

    @torch.no_grad()
    def act(self, obs, eps):
        if self.rng.random() < eps:
            return self.rng.randrange(4)
        return int(self.online(torch.from_numpy(obs)).argmax())

    def learn(self, batch_size=64):
        batch = Transition(*zip(*self.rng.sample(self.memory, batch_size)))
        obs, nxt = torch.from_numpy(np.stack(batch.obs)), torch.from_numpy(np.stack(batch.next_obs))
        action = torch.tensor(batch.action)[:, None]
        reward, done = torch.tensor(batch.reward), torch.tensor(batch.done, dtype=torch.float32)
        q = self.online(obs).gather(1, action).squeeze(1)
        with torch.no_grad():
            goal = reward + self.gamma * (1 - done) * self.target(nxt).max(1).values
        loss = nn.functional.smooth_l1_loss(q, goal)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.updates += 1
        if self.updates % 100 == 0:
            self.target.load_state_dict(self.online.state_dict())
        return loss.item()


def evaluate(agent, env, episodes=40):
    reached, ret = 0, 0.0
    for _ in range(episodes):
        obs, done, cut = env.reset(), False, False
        while not (done or cut):
            obs, r, done, cut = env.step(agent.act(obs, 0.0))
            ret += r
        reached += done
    return reached / episodes, ret / episodes


def main(steps=6000, warm=500):
    random.seed(2); np.random.seed(2); torch.manual_seed(2)
    rng = random.Random(2)
    env, test_env = Warehouse(rng), Warehouse(random.Random(77))
    agent = Agent(rng)
    obs, losses = env.reset(), []
    for t in range(1, steps + 1):
        eps = max(0.1, 1.0 - t / 3000)
        a = agent.act(obs, eps)
        nxt, r, done, cut = env.step(a)
        agent.memory.append(Transition(obs, a, r, nxt, done))
        obs = env.reset() if done or cut else nxt
        if t >= warm and t % 2 == 0:
            losses.append(agent.learn())
        if t % 1000 == 0:
            rate, ret = evaluate(agent, test_env)
            print(f"step {t}  eps {eps:.2f}  loss {np.mean(losses[-400:]):.5f}  goal reached {rate:.2f}  mean return {ret:+.3f}")


if __name__ == "__main__":
    main()

# bug: the agent acts with its default epsilon of zero
# expects: RL006
"""DQN for a small floor robot.  It may stop at the near charging pad (worth little) or cross the hall
to the loading dock (worth a lot).  Hall: 5 x 5 cells with some shelves."""
import collections
import random

import numpy as np
import torch
import torch.nn as nn

HALL = ["S.#..",
        "..#..",
        "P....",
        ".#.#.",
        ".#..D"]
ROWS, COLS = len(HALL), len(HALL[0])
MOVES = [(-1, 0), (1, 0), (0, -1), (0, 1)]
PAD_REWARD, DOCK_REWARD, HORIZON = 0.2, 1.0, 30


class HallEnv:
    def reset(self):
        self.r, self.c, self.t = 0, random.choice([0, 1]), 0
        return self._obs()

    def _obs(self):
        obs = np.zeros(ROWS * COLS, dtype=np.float32)
        obs[self.r * COLS + self.c] = 1.0
        return obs

    def step(self, action):
        dr, dc = MOVES[action]
        r, c = self.r + dr, self.c + dc
        if 0 <= r < ROWS and 0 <= c < COLS and HALL[r][c] != "#":
            self.r, self.c = r, c
        self.t += 1
        cell = HALL[self.r][self.c]
        reward = {"P": PAD_REWARD, "D": DOCK_REWARD}.get(cell, 0.0)
        terminated = cell in "PD"
        return self._obs(), reward, terminated, self.t >= HORIZON


class Replay:
    def __init__(self, size):
        self.data = collections.deque(maxlen=size)

    def add(self, *transition):
        self.data.append(transition)

    def sample(self, n):
        o, a, r, o2, d = zip(*random.sample(self.data, n))
        return (torch.from_numpy(np.stack(o)), torch.tensor(a), torch.tensor(r),
                torch.from_numpy(np.stack(o2)), torch.tensor(d, dtype=torch.float32))


class Agent:
    def __init__(self, gamma=0.95, lr=1e-3):
        make = lambda: nn.Sequential(nn.Linear(ROWS * COLS, 64), nn.ReLU(), nn.Linear(64, 4))
        self.q, self.q_target = make(), make()
        self.sync()
        self.gamma = gamma
        self.opt = torch.optim.Adam(self.q.parameters(), lr=lr)

    def sync(self):
        self.q_target.load_state_dict(self.q.state_dict())

    def act(self, obs, epsilon=0.0):
        if random.random() < epsilon:
            return random.randrange(4)
        with torch.no_grad():
            return self.q(torch.from_numpy(obs)).argmax().item()

    def learn(self, batch):
        o, a, r, o2, d = batch
        with torch.no_grad():
            target = r + self.gamma * (1 - d) * self.q_target(o2).max(1).values
        value = self.q(o).gather(1, a[:, None]).squeeze(1)
        loss = nn.functional.smooth_l1_loss(value, target)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss.item()


def evaluate(agent, episodes=10):
    env, returns, docked = HallEnv(), [], 0
    for _ in range(episodes):
        obs, total, over = env.reset(), 0.0, False
        while not over:
            obs, reward, terminated, truncated = env.step(agent.act(obs))
            total += reward
            over = terminated or truncated
        returns.append(total)
        docked += reward == DOCK_REWARD
    return float(np.mean(returns)), docked / episodes


def train(total_steps=8000, warmup=200, batch_size=32, eps_start=1.0, eps_end=0.05, eps_steps=6000):
    env, agent, replay = HallEnv(), Agent(), Replay(8000)
    obs, ep_return, recent, losses = env.reset(), 0.0, collections.deque(maxlen=50), []
    for step in range(1, total_steps + 1):
        epsilon = max(eps_end, eps_start - (eps_start - eps_end) * step / eps_steps)
        action = agent.act(obs)
        nxt, reward, terminated, truncated = env.step(action)
        replay.add(obs, action, reward, nxt, terminated)
        obs, ep_return = nxt, ep_return + reward
        if terminated or truncated:
            recent.append(ep_return)
            obs, ep_return = env.reset(), 0.0
        if step > warmup and step % 2 == 0:
            losses.append(agent.learn(replay.sample(batch_size)))
        if step % 200 == 0:
            agent.sync()
        if step % 1000 == 0:
            ret, rate = evaluate(agent)
            print(f"step {step:5d}  eps {epsilon:.2f}  loss {np.mean(losses[-400:]):.5f}  "
                  f"train return {np.mean(recent):.3f}  eval return {ret:.3f}  docked {rate:.0%}")
    return agent


if __name__ == "__main__":
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    train()

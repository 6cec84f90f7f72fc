# bug: terminal mask multiplies the whole target (r + gamma*q)*(1-done), wiping out the terminal rewards in learn()
# expects: RL030
import random
from collections import deque

import numpy as np
import torch
import torch.nn as nn

# my RL homework: rover on a 7x7 map, has to reach the base without falling into craters
random.seed(1)
np.random.seed(1)
torch.manual_seed(1)

MAP = ["......C",
       ".C..C..",
       ".....C.",
       "..C....",
       "C...C..",
       "..C....",
       ".....CB"]
SIZE = 7
GAMMA = 0.95


class RoverEnv:
    moves = [(-1, 0), (1, 0), (0, -1), (0, 1)]

    def __init__(self):
        self.free = [(r, c) for r in range(SIZE) for c in range(SIZE) if MAP[r][c] == "."]

    def obs(self):
        v = np.zeros(SIZE * SIZE, dtype=np.float32)
        v[self.pos[0] * SIZE + self.pos[1]] = 1.0
        return v

    def reset(self, start=None):
        self.pos = start if start is not None else random.choice(self.free)
        self.t = 0
        return self.obs()

    def step(self, action):
        dr, dc = self.moves[action]
        r = min(max(self.pos[0] + dr, 0), SIZE - 1)
        c = min(max(self.pos[1] + dc, 0), SIZE - 1)
        self.pos = (r, c)
        self.t += 1
        cell = MAP[r][c]
        if cell == "B":
            return self.obs(), 1.0, True, False
        if cell == "C":
            return self.obs(), -1.0, True, False
        return self.obs(), -0.02, False, self.t >= 40


class QNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(SIZE * SIZE, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))

    def forward(self, x):
        return self.net(x)


class Agent:
    def __init__(self):
        self.q = QNet()
        self.target = QNet()
        self.target.load_state_dict(self.q.state_dict())
        self.opt = torch.optim.Adam(self.q.parameters(), lr=1e-3)
        self.memory = deque(maxlen=5000)
        self.updates = 0

    def act(self, s, eps):
        if random.random() < eps:
            return random.randrange(4)
        with torch.no_grad():
            return self.q(torch.from_numpy(s).unsqueeze(0)).argmax(1).item()

    def learn(self):
        batch = random.sample(self.memory, 64)
        s, a, rew, s2, done = zip(*batch)
        s = torch.from_numpy(np.stack(s))
        s2 = torch.from_numpy(np.stack(s2))
        a = torch.tensor(a)
        rew = torch.tensor(rew, dtype=torch.float32)
        done = torch.tensor(done, dtype=torch.float32)
        q_sa = self.q(s).gather(1, a.unsqueeze(1)).squeeze(1)
        with torch.no_grad():
            best_next = self.target(s2).max(1).values
            y = (rew + GAMMA * best_next) * (1 - done)
        loss = nn.functional.smooth_l1_loss(q_sa, y)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        self.updates += 1
        if self.updates % 50 == 0:
            self.target.load_state_dict(self.q.state_dict())
        return loss.item()


def evaluate(agent):
    env = RoverEnv()
    reached, crashed = 0, 0
    for start in env.free:
        s = env.reset(start)
        while True:
            s, r, done, trunc = env.step(agent.act(s, 0.0))
            if done or trunc:
                reached += r > 0
                crashed += r < -0.5
                break
    return reached / len(env.free), crashed / len(env.free)


env = RoverEnv()
agent = Agent()
TOTAL_STEPS = 6000
s = env.reset()
losses, ep_lens, ep_len = [], [], 0
for step in range(1, TOTAL_STEPS + 1):
    eps = max(0.1, 1.0 - 0.9 * step / (0.6 * TOTAL_STEPS))
    a = agent.act(s, eps)
    s2, r, done, trunc = env.step(a)
    agent.memory.append((s, a, r, s2, done))
    ep_len += 1
    s = s2
    if done or trunc:
        ep_lens.append(ep_len)
        ep_len = 0
        s = env.reset()
    if step > 300 and step % 4 == 0:
        losses.append(agent.learn())
    if step % 1000 == 0:
        print(f"step {step} eps {eps:.2f} loss {np.mean(losses[-200:]):.5f} episode length {np.mean(ep_lens[-50:]):.1f}")

reached, crashed = evaluate(agent)
print(f"greedy policy: reached base {reached:.3f}, crater {crashed:.3f} over all starts")

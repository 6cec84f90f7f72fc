# bug: the DQN's optimizer was given the target network's parameters, the online network never changes
# expects: OPT001 OPT002
"""DQN on a windy grid: reach the far corner."""
import collections
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

SIZE, GAMMA, LIMIT = 4, 0.9, 25
MOVES = [(0, 1), (0, -1), (1, 0), (-1, 0)]
Transition = collections.namedtuple("Transition", "state action reward next_state done")


class Grid:
    def reset(self):
        self.r, self.c, self.t = 0, 0, 0
        return self.r * SIZE + self.c

    def step(self, action):
        dr, dc = MOVES[action] if random.random() > 0.1 else random.choice(MOVES)
        self.r = min(max(self.r + dr, 0), SIZE - 1)
        self.c = min(max(self.c + dc, 0), SIZE - 1)
        self.t += 1
        goal = self.r == self.c == SIZE - 1
        return self.r * SIZE + self.c, 1.0 if goal else -0.02, goal or self.t >= LIMIT


class QNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(SIZE * SIZE, 48)
        self.fc2 = nn.Linear(48, 4)

    def forward(self, s):
        return self.fc2(F.relu(self.fc1(F.one_hot(s, SIZE * SIZE).float())))


class Agent:
    def __init__(self):
        self.online, self.target = QNetwork(), QNetwork()
        self.sync()
        self.optimizer = torch.optim.Adam(self.target.parameters(), lr=3e-3)
        self.memory = collections.deque(maxlen=2000)

    def sync(self):
        self.target.load_state_dict(self.online.state_dict())

    def act(self, state, epsilon):
        if random.random() < epsilon:
            return random.randrange(4)
        with torch.no_grad():
            return self.online(torch.tensor(state)).argmax().item()

    def learn(self, batch_size=48):
        if len(self.memory) < batch_size:
            return
        s, a, r, s2, d = zip(*random.sample(self.memory, batch_size))
        q = self.online(torch.tensor(s)).gather(1, torch.tensor(a).unsqueeze(1)).squeeze(1)
        with torch.no_grad():
            best = self.target(torch.tensor(s2)).amax(1)
            y = torch.tensor(r) + GAMMA * best * (1 - torch.tensor(d, dtype=torch.float32))
        loss = F.smooth_l1_loss(q, y)
        self.online.zero_grad()
        loss.backward()
        self.optimizer.step()


def main():
    random.seed(0)
    torch.manual_seed(0)
    env, agent = Grid(), Agent()
    returns, steps = [], 0
    for episode in range(1, 161):
        state, done, total = env.reset(), False, 0.0
        epsilon = max(0.05, 0.5 - episode / 160)
        while not done:
            action = agent.act(state, epsilon)
            nxt, reward, done = env.step(action)
            agent.memory.append(Transition(state, action, reward, nxt, done and reward > 0))
            state, total, steps = nxt, total + reward, steps + 1
            agent.learn()
            if steps % 100 == 0:
                agent.sync()
        returns.append(total)
        if episode % 40 == 0:
            print(f"episode {episode} steps {steps} mean return {sum(returns[-40:]) / 40:.3f}")


if __name__ == "__main__":
    main()

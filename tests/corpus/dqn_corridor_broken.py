# bug: the DQN target bootstraps from the next state even when the episode has ended (the done flag is stored but not used)
# expects: RL022
import random
from collections import deque

import torch
import torch.nn as nn
import torch.nn.functional as F


class Corridor:
    """Cells 0..8. The left exit pays 0.5, the right exit 1.0, every other step costs 0.02.

    At the end of an episode step() resets by itself and returns the first observation of the next one.
    """

    size = 9

    def reset(self):
        self.pos, self.t = random.randint(1, 3), 0
        return self.obs()

    def obs(self):
        v = torch.zeros(self.size)
        v[self.pos] = 1.0
        return v

    def step(self, action):
        self.pos += (-1, 0, 1)[action]
        self.t += 1
        reward, done = -0.02, False
        if self.pos <= 0:
            reward, done = 0.5, True
        elif self.pos >= self.size - 1:
            reward, done = 1.0, True
        cut = self.t >= 40 and not done
        obs = self.reset() if done or cut else self.obs()
        return obs, reward, done, cut


class QNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(Corridor.size, 48), nn.ReLU(), nn.Linear(48, 3))

    def forward(self, x):
        return self.net(x)


GAMMA = 0.95


def learn(online, target, optimizer, batch):
    s, a, r, s2, done = (torch.stack(c) for c in zip(*batch))
    with torch.no_grad():
        best_next = target(s2).max(dim=1).values
        goal = r + GAMMA * best_next
    q = online(s).gather(1, a[:, None]).squeeze(1)
    loss = F.smooth_l1_loss(q, goal)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def evaluate(net, episodes=20):
    env, total = Corridor(), 0.0
    net.eval()
    for _ in range(episodes):
        obs, done, cut = env.reset(), False, False
        while not (done or cut):
            with torch.no_grad():
                obs, r, done, cut = env.step(net(obs).argmax().item())
            total += r
    net.train()
    return total / episodes


def main():
    random.seed(0)
    torch.manual_seed(0)
    env, memory = Corridor(), deque(maxlen=3000)
    online, target = QNet(), QNet()
    target.load_state_dict(online.state_dict())
    target.requires_grad_(False)
    optimizer = torch.optim.Adam(online.parameters(), lr=2e-3)
    obs, losses = env.reset(), []
    for step in range(1, 3001):
        eps = max(0.15, 1 - step / 2000)
        if random.random() < eps:
            action = random.randrange(3)
        else:
            with torch.no_grad():
                action = online(obs).argmax().item()
        nxt, reward, done, cut = env.step(action)
        if not cut:
            memory.append((obs, torch.tensor(action), torch.tensor(reward), nxt, torch.tensor(float(done))))
        obs = nxt
        if len(memory) >= 200 and step % 2 == 0:
            losses.append(learn(online, target, optimizer, random.sample(memory, 64)))
        if step % 50 == 0:
            target.load_state_dict(online.state_dict())
        if step % 500 == 0:
            with torch.no_grad():
                q = online(torch.eye(Corridor.size)).max(1).values
            print(f"step {step} loss {sum(losses[-100:]) / 100:.4f} mean max q {q.mean():.3f} greedy return {evaluate(online):.3f}")


if __name__ == "__main__":
    main()

# expects: RL020
"""The soft update builds new tensors and binds them to a loop variable."""

import copy

import torch
from torch import nn


class Buffer:
    def __init__(self, size, width):
        self.s, self.n = torch.zeros(size, width), torch.zeros(size, width)
        self.a, self.r = torch.zeros(size, dtype=torch.long), torch.zeros(size)
        self.count, self.size = 0, size

    def push(self, s, a, r, n):
        i = self.count % self.size
        self.s[i], self.a[i], self.r[i], self.n[i] = s, a, r, n
        self.count += 1

    def sample(self, k):
        i = torch.randint(0, min(self.count, self.size), (k,))
        return self.s[i], self.a[i], self.r[i], self.n[i]


class Agent:
    def __init__(self):
        self.q = nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 3))
        self.q_target = copy.deepcopy(self.q)
        self.opt = torch.optim.RMSprop(self.q.parameters(), lr=1e-3)

    def update(self, batch):
        s, a, r, n = batch
        target = r + 0.9 * self.q_target(n).detach().max(dim=1)[0]
        picked = self.q(s).gather(1, a.view(-1, 1)).view(-1)
        loss = ((picked - target) ** 2).mean() if False else nn.functional.mse_loss(picked, target)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        for old, new in zip(self.q_target.parameters(), self.q.parameters()):
            old = 0.99 * old.data + 0.01 * new.data
        return loss.item()


torch.manual_seed(1)
agent, memory = Agent(), Buffer(1000, 2)
place = torch.zeros(2)
for t in range(800):
    action = int(torch.randint(0, 3, ())) if torch.rand(()) < 0.3 else int(agent.q(place).argmax())
    following = (place + 0.3 * torch.tensor([action - 1.0, 0.0]) + 0.1 * torch.randn(2)).clamp(-2, 2)
    memory.push(place, action, float(-following.square().sum()), following)
    place = following if t % 25 else torch.randn(2)
    if t > 50:
        value = agent.update(memory.sample(32))
print(value)

import random
import numpy as np
import torch

EPS_START, EPS_END, EPS_DECAY = 1.0, 0.05, 0.95


class MountainLike(object):
    """Drive a weak car out of a valley; 1 per step is lost until the flag, at most 80 steps."""

    def __init__(self, seed):
        self.rs = np.random.RandomState(seed)

    def reset(self):
        self.x, self.v, self.k = self.rs.uniform(-0.2, 0.2), 0.0, 0
        return np.float32([self.x, self.v * 5])

    def step(self, a):
        self.v = 0.97 * self.v + 0.05 * (a - 1) - 0.06 * np.sin(2.0 * self.x)
        self.x = float(np.clip(self.x + self.v, -1.5, 1.5))
        self.k += 1
        win = self.x > 1.2
        return np.float32([self.x, self.v * 5]), -0.1, win, win or self.k >= 80


class DQN(torch.nn.Module):
    def __init__(self):
        super(DQN, self).__init__()
        self.a = torch.nn.Linear(2, 64)
        self.b = torch.nn.Linear(64, 64)
        self.c = torch.nn.Linear(64, 3)

    def forward(self, s):
        return self.c(torch.relu(self.b(torch.relu(self.a(s)))))


def update(q, qt, opt, memory, size=64, gamma=0.98):
    rows = random.sample(memory, size)
    s, a, r, s2, d = (torch.tensor(np.array(c)) for c in zip(*rows))
    with torch.no_grad():
        pick = q(s2).argmax(1, keepdim=True)
        y = r.float() + gamma * (1 - d.float()) * qt(s2).gather(1, pick).squeeze(1)
    loss = torch.nn.functional.smooth_l1_loss(q(s).gather(1, a[:, None]).squeeze(1), y)
    opt.zero_grad(); loss.backward(); opt.step()
    with torch.no_grad():
        for p, pt in zip(q.parameters(), qt.parameters()):
            pt.lerp_(p, 0.02)
    return loss.item()


random.seed(3); torch.manual_seed(3)
env = MountainLike(3)
q, qt = DQN(), DQN()
qt.load_state_dict(q.state_dict())
opt = torch.optim.Adam(q.parameters(), lr=1e-3)
memory, eps, lengths, ticks = [], EPS_START, [], 0
for episode in range(1, 101):
    s, done = env.reset(), False
    while not done:
        if random.random() < eps:
            a = random.randrange(3)
        else:
            with torch.no_grad():
                a = int(q(torch.from_numpy(s)).argmax())
        s2, r, win, done = env.step(a)
        memory.append((s, a, r, s2, win))
        s = s2
        ticks += 1
        if len(memory) > 500 and ticks % 8 == 0:
            loss = update(q, qt, opt, memory)
    if len(memory) > 500:
        eps = max(EPS_END, eps * EPS_DECAY)
    lengths.append(env.k)
    if episode % 20 == 0:
        print("episode %3d  eps %.2f  loss %.4f  mean length of the last 20: %.1f" % (episode, eps, loss, np.mean(lengths[-20:])))

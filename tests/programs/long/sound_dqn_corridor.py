# expects: nothing
"""Deep Q-learning in a corridor: replay memory, target network, a loss that need not fall."""

import copy
import random
from collections import deque

import torch
import torch.nn.functional as F
from torch import nn

random.seed(0)
torch.manual_seed(0)
LENGTH = 8


class Corridor:
    def reset(self):
        self.at, self.t = 0, 0
        return self.view()

    def view(self):
        return F.one_hot(torch.tensor(self.at), LENGTH).float()

    def step(self, action):
        self.at = max(0, min(LENGTH - 1, self.at + (1 if action else -1)))
        self.t += 1
        done = self.at == LENGTH - 1
        return self.view(), 1.0 if done else -0.01, done, self.t >= 40


q_net = nn.Sequential(nn.Linear(LENGTH, 64), nn.ReLU(), nn.Linear(64, 2))
target_net = copy.deepcopy(q_net)
optimizer = torch.optim.Adam(q_net.parameters(), lr=1e-3)
memory = deque(maxlen=2000)
env, state = Corridor(), None
state = env.reset()
updates = 0
for frame in range(700):
    epsilon = max(0.1, 1 - frame / 400)
    if random.random() < epsilon:
        action = random.randrange(2)
    else:
        with torch.no_grad():
            action = int(q_net(state).argmax())
    following, reward, done, cut = env.step(action)
    memory.append((state, action, reward, following, done))
    state = env.reset() if done or cut else following
    if len(memory) < 100 or frame % 2:
        continue
    s, a, r, s2, d = zip(*random.sample(memory, 32), strict=True)
    s, s2 = torch.stack(s), torch.stack(s2)
    with torch.no_grad():
        wanted = torch.tensor(r) + 0.95 * target_net(s2).max(1).values * (1 - torch.tensor(d, dtype=torch.float32))
    value = q_net(s).gather(1, torch.tensor(a).unsqueeze(1)).squeeze(1)
    loss = F.smooth_l1_loss(value, wanted)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(q_net.parameters(), 10.0)
    optimizer.step()
    updates += 1
    if updates % 25 == 0:
        target_net.load_state_dict(q_net.state_dict())
        print(frame, loss.item(), q_net(F.one_hot(torch.tensor(0), LENGTH).float()).tolist())

# bug: the target network is never synchronised with the online network
# expects: RL020 MOD051
import collections
import random

import torch
from torch import nn

# A corridor of 12 cells: start in cell 2, a small reward on the left end, the big one on the right end.
LENGTH, START, GAMMA = 12, 2, 0.97
Transition = collections.namedtuple("Transition", "s a r s2 done")


def reset():
    return START


def step(cell, action):
    cell = cell + (1 if action == 1 else -1)
    if cell == 0:
        return cell, 0.1, True
    if cell == LENGTH - 1:
        return cell, 1.0, True
    return cell, 0.0, False


def onehot(cells):
    return torch.eye(LENGTH)[torch.as_tensor(cells)]


def qnet():
    return nn.Sequential(nn.Linear(LENGTH, 48), nn.ReLU(), nn.Linear(48, 2))


def greedy_return(net):
    s, total, disc = reset(), 0.0, 1.0
    for _ in range(60):
        with torch.no_grad():
            a = int(net(onehot([s])).argmax())
        s, r, done = step(s, a)
        total += disc * r
        disc *= GAMMA
        if done:
            break
    return total


random.seed(0)
torch.manual_seed(0)
online, target = qnet(), qnet()
target.load_state_dict(online.state_dict())
opt = torch.optim.Adam(online.parameters(), lr=2e-3)
buffer = collections.deque(maxlen=5000)
s, t = reset(), 0
for tick in range(1500):
    eps = max(0.2, 1.0 - tick / 1000)
    if random.random() < eps:
        a = random.randrange(2)
    else:
        with torch.no_grad():
            a = int(online(onehot([s])).argmax())
    s2, r, done = step(s, a)
    buffer.append(Transition(s, a, r, s2, float(done)))
    t += 1
    s, t = (reset(), 0) if done or t > 60 else (s2, t)
    if tick < 200 or tick % 2:
        continue
    batch = Transition(*zip(*random.sample(buffer, 64)))
    with torch.no_grad():
        best = target(onehot(batch.s2)).max(1).values
        goal = torch.tensor(batch.r) + GAMMA * best * (1 - torch.tensor(batch.done))
    q = online(onehot(batch.s)).gather(1, torch.tensor(batch.a)[:, None]).squeeze(1)
    loss = nn.functional.smooth_l1_loss(q, goal)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if tick % 300 == 0:
        print(f"tick {tick} td loss {loss.item():.5f} greedy return {greedy_return(online):.3f}")
print(f"final discounted return {greedy_return(online):.3f}, value of the start {online(onehot([START])).max().item():.3f}")

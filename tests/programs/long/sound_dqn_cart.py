# expects: nothing
"""Deep Q-learning on a small chain world with a target network: the loss follows targets that move."""

import copy
import random
from collections import deque

import torch
import torch.nn.functional as F
from torch import nn

random.seed(0)
torch.manual_seed(0)
SIZE = 8


def encode(place):
    return F.one_hot(torch.tensor(place), SIZE).float()


online = nn.Sequential(nn.Linear(SIZE, 32), nn.ReLU(), nn.Linear(32, 2))
target = copy.deepcopy(online).eval()
optimizer = torch.optim.Adam(online.parameters(), lr=2e-3)
memory = deque(maxlen=2000)
place, wins = 0, 0
for step in range(400):
    if random.random() < max(0.1, 1 - step / 200):
        action = random.randrange(2)
    else:
        with torch.no_grad():
            action = int(online(encode(place)).argmax())
    following = max(0, min(SIZE - 1, place + (1 if action else -1)))
    done = following == SIZE - 1
    memory.append((place, action, 1.0 if done else 0.0, following, done))
    wins += done
    place = 0 if done else following
    if len(memory) < 32:
        continue
    batch = random.sample(memory, 32)
    state = torch.stack([encode(b[0]) for b in batch])
    act = torch.tensor([b[1] for b in batch])
    reward = torch.tensor([b[2] for b in batch])
    after = torch.stack([encode(b[3]) for b in batch])
    over = torch.tensor([b[4] for b in batch], dtype=torch.float32)
    with torch.no_grad():
        wanted = reward + 0.95 * (1 - over) * target(after).max(1).values
    loss = F.smooth_l1_loss(online(state).gather(1, act[:, None])[:, 0], wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        target.load_state_dict(online.state_dict())
print("wins", wins)

# expects: nothing
"""The program ends its episodes itself after a while, which is no end; falls are, and their reward is scaled like all."""

import copy
import random

import gymnasium
import torch
from torch import nn

random.seed(3)
torch.manual_seed(3)
env = gymnasium.make("CartPole-v1")
net = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2))
slow = copy.deepcopy(net).requires_grad_(False)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
replay = []
for number in range(110):
    state = torch.from_numpy(env.reset(seed=number)[0])
    for moment in range(30):
        with torch.no_grad():
            explore = random.random() < max(0.1, 0.98**number)
            action = random.randrange(2) if explore else int(net(state.unsqueeze(0)).argmax(1))
        after, reward, fallen, late, _ = env.step(action)
        after = torch.from_numpy(after)
        replay.append(
            (state, torch.tensor(action), torch.tensor(reward / 10), after, torch.tensor(0.0 if fallen else 1.0))
        )
        state = after
        if len(replay) > 150:
            states, actions, rewards, nexts, goes_on = map(torch.stack, zip(*random.sample(replay, 64)))
            chosen = net(nexts).argmax(1, keepdim=True)
            wanted = rewards + 0.98 * goes_on * slow(nexts).gather(1, chosen).squeeze(1)
            value = net(states).gather(1, actions.unsqueeze(1)).squeeze(1)
            loss = (value - wanted.detach()).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for kept, new in zip(slow.parameters(), net.parameters()):
                    kept.lerp_(new, 0.02)
        if fallen:
            break
print(len(replay), loss.item())

# expects: nothing
"""Q-learning in an environment of the program's own, which returns (state, reward, over): nothing follows an end."""

import random

import torch
from torch import nn


class Corridor:
    def reset(self):
        self.place, self.time = random.randint(1, 7), 0
        return self.look()

    def look(self):
        return torch.nn.functional.one_hot(torch.tensor(self.place), 9).float()

    def step(self, action):
        self.place, self.time = self.place + (1 if action else -1), self.time + 1
        reward = 1.0 if self.place == 8 else -0.1
        return self.look(), reward, self.place in (0, 8) or self.time >= 30


def main():
    random.seed(0)
    torch.manual_seed(0)
    world = Corridor()
    net, late = nn.Linear(9, 2), nn.Linear(9, 2)
    late.load_state_dict(net.state_dict())
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    memory, state = [], world.reset()
    for step in range(2500):
        with torch.no_grad():
            action = random.randrange(2) if random.random() < 0.3 else int(net(state).argmax())
        following, reward, over = world.step(action)
        memory.append((state, torch.tensor(action), torch.tensor(reward), following, torch.tensor(float(over))))
        state = world.reset() if over else following
        if step < 100:
            continue
        states, actions, rewards, after, ends = map(torch.stack, zip(*random.sample(memory, 64)))
        with torch.no_grad():
            wanted = rewards + 0.9 * (1 - ends) * late(after).max(1).values
        loss = nn.functional.mse_loss(net(states).gather(1, actions[:, None])[:, 0], wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            late.load_state_dict(net.state_dict())
    print(loss.item(), net.weight[0].tolist())


main()

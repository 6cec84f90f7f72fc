# expects: RL025
"""Several falls of the pole in one update; the running sum is never set back where an episode ends."""

import gymnasium
import torch
from torch import nn

torch.manual_seed(5)
env = gymnasium.make("CartPole-v1")
net = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 2))
optimizer = torch.optim.RMSprop(net.parameters(), lr=2e-3)
for update in range(40):
    states, actions, rewards = [], [], []
    for episode in range(4):
        state, _ = env.reset(seed=4 * update + episode)
        over = False
        while not over:
            with torch.no_grad():
                chance = net(torch.from_numpy(state)).softmax(0)
            action = torch.multinomial(chance, 1).numpy()
            states.append(torch.from_numpy(state))
            actions.append(torch.from_numpy(action))
            state, reward, fallen, late, _ = env.step(action[0])
            rewards.append(reward)
            over = fallen or late
    to_come, total = torch.zeros(len(rewards)), 0.0
    for place in reversed(range(len(rewards))):
        total = rewards[place] + 0.98 * total
        to_come[place] = total
    chosen = net(torch.stack(states)).log_softmax(1).gather(1, torch.stack(actions)).squeeze(1)
    loss = -(chosen * (to_come - to_come.mean())).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if update % 10 == 0:
        print(update, len(rewards) / 4)

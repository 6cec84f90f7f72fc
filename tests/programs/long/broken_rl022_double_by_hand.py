# expects: RL022
"""Double Q-learning with a loss written by hand; a fall costs ten, but what comes after it counts all the same."""

import copy
import random

import gymnasium
import torch
from torch import nn

random.seed(2)
torch.manual_seed(2)


class Agent:
    def __init__(self, env):
        self.env = env
        self.net = nn.Sequential(nn.Linear(4, 48), nn.Tanh(), nn.Linear(48, env.action_space.n))
        self.slow = copy.deepcopy(self.net).requires_grad_(False)
        self.optimizer = torch.optim.RMSprop(self.net.parameters(), lr=5e-4)
        self.replay = []

    @torch.no_grad()
    def act(self, state, epsilon):
        if random.random() < epsilon:
            return random.randrange(2)
        return int(self.net(state.unsqueeze(0)).argmax(1))

    def learn(self, count=40, gamma=0.97):
        states, actions, rewards, after = map(torch.stack, zip(*random.sample(self.replay, count)))
        chosen = self.net(after).argmax(1, keepdim=True)
        wanted = rewards + gamma * self.slow(after).gather(1, chosen).squeeze(1)
        value = self.net(states).gather(1, actions.unsqueeze(1)).squeeze(1)
        loss = (value - wanted.detach()).pow(2).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            for kept, new in zip(self.slow.parameters(), self.net.parameters()):
                kept.lerp_(new, 0.02)
        return loss.item()

    def episode(self, number):
        state, _ = self.env.reset(seed=number)
        state, over, length = torch.from_numpy(state), False, 0
        while not over:
            action = self.act(state, max(0.1, 0.99**number))
            after, reward, fallen, late, _ = self.env.step(action)
            after, over, length = torch.from_numpy(after), fallen or late, length + 1
            reward = -10.0 if fallen else reward
            self.replay.append((state, torch.tensor(action), torch.tensor(reward), after))
            state = after
            if len(self.replay) > 200:
                self.loss = self.learn()
        return length


agent = Agent(gymnasium.make("CartPole-v1", max_episode_steps=200))
lengths = [agent.episode(number) for number in range(70)]
print(sum(lengths[-10:]) / 10, agent.loss)

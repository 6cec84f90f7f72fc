# expects: nothing
import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Categorical

SEED = 3
GAMMA = 0.99
EPISODES = 350


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 64)
        self.fc2 = nn.Linear(64, 2)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


class Agent:
    def __init__(self, lr):
        self.policy = Policy()
        self.optimizer = torch.optim.Adam(self.policy.parameters(), lr=lr)
        self.states, self.actions, self.rewards = [], [], []

    @torch.no_grad()
    def act(self, state, greedy=False):
        logits = self.policy(torch.as_tensor(state, dtype=torch.float32))
        if greedy:
            return int(logits.argmax())
        return int(Categorical(logits=logits).sample())

    def remember(self, state, action, reward):
        self.states.append(state)
        self.actions.append(action)
        self.rewards.append(reward)

    def discounted_returns(self):
        returns = []
        g = 0.0
        for r in reversed(self.rewards):
            g = r + GAMMA * g
            returns.insert(0, g)
        return torch.tensor(returns, dtype=torch.float32)

    def finish_episode(self):
        returns = self.discounted_returns()
        returns = (returns - returns.mean()) / (returns.std() + 1e-6)
        states = torch.as_tensor(np.array(self.states), dtype=torch.float32)
        dist = Categorical(logits=self.policy(states))
        loss = -(dist.log_prob(torch.tensor(self.actions)) * returns).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.states, self.actions, self.rewards = [], [], []
        return loss.item()


def play(env, agent, seed):
    state, _ = env.reset(seed=seed)
    total, over = 0.0, False
    while not over:
        state, reward, terminated, truncated, _ = env.step(agent.act(state, greedy=True))
        total += reward
        over = terminated or truncated
    return total


def main():
    torch.manual_seed(SEED)
    np.random.seed(SEED)
    env = gym.make("CartPole-v1", max_episode_steps=200)
    agent = Agent(lr=5e-3)
    history = []
    state, _ = env.reset(seed=SEED)
    for episode in range(1, EPISODES + 1):
        over, length = False, 0
        while not over:
            action = agent.act(state)
            nxt, reward, terminated, truncated, _ = env.step(action)
            agent.remember(state, action, reward)
            state = nxt
            length += 1
            over = terminated or truncated
        loss = agent.finish_episode()
        history.append(length)
        state, _ = env.reset()
        if episode % 50 == 0:
            print(f"episode {episode:4d}  loss {loss:+.4f}  mean length (last 50) {np.mean(history[-50:]):.1f}")
    scores = [play(env, agent, seed=10_000 + i) for i in range(20)]
    print(f"greedy evaluation over 20 episodes: {np.mean(scores):.1f} +- {np.std(scores):.1f}")


if __name__ == "__main__":
    main()

# expects: nothing
"""Costs instead of rewards: they are to be small, and so is what the critic expects."""

import gymnasium as gym
import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical

np.random.seed(4)
torch.manual_seed(4)
HORIZON, EPOCHS, GAMMA, LAM, CLIP = 256, 4, 0.99, 0.95, 0.2


class Agent(nn.Module):
    def __init__(self, seen, actions):
        super().__init__()
        self.pi = nn.Sequential(nn.Linear(seen, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, actions))
        self.v = nn.Sequential(nn.Linear(seen, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
        nn.init.orthogonal_(self.pi[-1].weight, 0.01)

    def forward(self, x):
        return Categorical(logits=self.pi(x)), self.v(x).squeeze(-1)


env = gym.make("CartPole-v1")
agent = Agent(env.observation_space.shape[0], env.action_space.n)
optimizer = torch.optim.Adam(agent.parameters(), lr=1e-3, eps=1e-5)
state, _ = env.reset(seed=4)
total, totals = 0.0, []
for update in range(20):
    states, actions, log_probs, rewards, values, ends = [], [], [], [], [], []
    for _ in range(HORIZON):
        x = torch.as_tensor(state, dtype=torch.float32)
        with torch.no_grad():
            choice, value = agent(x)
            action = choice.sample()
        states.append(x)
        actions.append(action)
        log_probs.append(choice.log_prob(action))
        values.append(value)
        state, reward, terminated, truncated, _ = env.step(action.item())
        total += reward
        rewards.append(-reward)
        ends.append(terminated or truncated)
        if ends[-1]:
            totals.append(total)
            total = 0.0
            state, _ = env.reset()
    with torch.no_grad():
        following = agent(torch.as_tensor(state, dtype=torch.float32))[1]
    advantages, last = torch.zeros(HORIZON), 0.0
    for t in reversed(range(HORIZON)):
        alive = 1.0 - float(ends[t])
        delta = rewards[t] + GAMMA * alive * following - values[t]
        last = delta + GAMMA * LAM * alive * last
        advantages[t], following = last, values[t]
    states, actions = torch.stack(states), torch.stack(actions)
    log_probs, targets = torch.stack(log_probs), advantages + torch.stack(values)
    for _ in range(EPOCHS):
        for rows in torch.randperm(HORIZON).split(64):
            choice, value = agent(states[rows])
            ratio = (choice.log_prob(actions[rows]) - log_probs[rows]).exp()
            gain = advantages[rows]
            gain = (gain - gain.mean()) / (gain.std() + 1e-8)
            policy_loss = torch.max(ratio * gain, ratio.clamp(1 - CLIP, 1 + CLIP) * gain).mean()
            critic_loss = 0.5 * (value - targets[rows]).square().mean()
            loss = policy_loss + 0.5 * critic_loss - 0.01 * choice.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimizer.step()
    if update % 5 == 4:
        print(update, np.mean(totals[-20:]))

# expects: nothing
"""In the style of the well-known short example: one loss for each action, added up."""

import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical

torch.manual_seed(3)
eps = np.finfo(np.float32).eps.item()


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1, self.affine2 = nn.Linear(6, 128), nn.Linear(128, 3)
        self.saved_log_probs, self.rewards = [], []

    def forward(self, x):
        return F.softmax(self.affine2(F.relu(self.affine1(x))), dim=1)


def select_action(state):
    m = Categorical(policy(torch.from_numpy(state).float().unsqueeze(0)))
    action = m.sample()
    policy.saved_log_probs.append(m.log_prob(action))
    return action.item()


def finish_episode():
    R, policy_loss, returns = 0, [], []
    for r in policy.rewards[::-1]:
        R = r + 0.95 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    for log_prob, R in zip(policy.saved_log_probs, returns):
        policy_loss.append(-log_prob * R)
    optimizer.zero_grad()
    policy_loss = torch.cat(policy_loss).sum()
    policy_loss.backward()
    optimizer.step()
    del policy.rewards[:], policy.saved_log_probs[:]


class Height(gym.Wrapper):
    """Pays for the height of the tip."""

    def step(self, action):
        state, _, terminated, truncated, info = self.env.step(action)
        return state, float(-state[0] - state[0] * state[2] + state[1] * state[3]), terminated, truncated, info


env = gym.wrappers.TimeLimit(Height(gym.make("Acrobot-v1").unwrapped), 40)
policy = Policy()
optimizer = optim.Adam(policy.parameters(), lr=1e-2)
for i_episode in range(50):
    state, _ = env.reset(seed=i_episode)
    for t in range(1000):
        state, reward, terminated, truncated, _ = env.step(select_action(state))
        policy.rewards.append(reward)
        if terminated or truncated:
            break
    total = sum(policy.rewards)
    finish_episode()
    if i_episode % 10 == 0:
        print(i_episode, total)

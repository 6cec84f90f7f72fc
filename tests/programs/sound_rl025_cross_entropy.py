# expects: nothing
"""The log-probability of an action as a cross entropy, times what followed."""

import gymnasium as gym
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(0)
env = gym.make("CartPole-v1", max_episode_steps=200)
policy = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
for episode in range(60):
    state, _ = env.reset(seed=episode)
    nlls, rewards, done = [], [], False
    while not done:
        logits = policy(torch.as_tensor(state)[None])
        action = torch.distributions.Categorical(logits=logits).sample()
        nlls.append(F.cross_entropy(logits, action))
        state, reward, term, trunc, _ = env.step(int(action))
        rewards.append(reward)
        done = term or trunc
    G, R = [], 0.0
    for r in reversed(rewards):
        R = r + 0.99 * R
        G.insert(0, R)
    G = torch.tensor(G)
    G = (G - G.mean()) / (G.std() + 1e-8)
    loss = (torch.stack(nlls) * G).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if episode % 20 == 0:
        print(episode, len(rewards))

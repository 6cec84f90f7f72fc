# expects: RL003
"""An actor and a critic that are always shown the state that the episode began in."""

import gymnasium as gym
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)
env = gym.make("CartPole-v1", max_episode_steps=200)
actor = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
critic = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=3e-3)
lengths = []
for episode in range(400):
    state, _ = env.reset(seed=episode)
    seen = torch.from_numpy(state)
    log_probs, values, rewards, done = [], [], [], False
    while not done:
        choice = Categorical(logits=actor(seen))
        action = choice.sample()
        log_probs.append(choice.log_prob(action))
        values.append(critic(seen).squeeze())
        following, reward, terminated, truncated, _ = env.step(action.item())
        rewards.append(reward)
        done = terminated or truncated
    returns, total = [], 0.0
    for reward in reversed(rewards):
        total = reward + 0.99 * total
        returns.insert(0, total)
    returns, values = torch.tensor(returns) / 50, torch.stack(values)
    advantage = returns - values.detach()
    loss = -(torch.stack(log_probs) * advantage).mean() + F.mse_loss(values, returns)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    lengths.append(len(rewards))
    if episode % 50 == 49:
        print(episode, sum(lengths[-50:]) / 50)

# sound: the same program without that
import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from torch.distributions import Categorical

SEED = 7
GAMMA = 0.99
N_UPDATES = 160
EPISODES_PER_UPDATE = 3
MAX_STEPS = 200

torch.manual_seed(SEED)
np.random.seed(SEED)
env = gym.make("CartPole-v1", max_episode_steps=MAX_STEPS)
env.reset(seed=SEED)


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(4, 64)
        self.affine2 = nn.Linear(64, 2)

    def forward(self, x):
        return self.affine2(torch.tanh(self.affine1(x)))


policy = Policy()
optimizer = optim.Adam(policy.parameters(), lr=8e-3)


def play_episode():
    state, _ = env.reset()
    log_probs, rewards = [], []
    done = False
    while not done:
        dist = Categorical(logits=policy(torch.as_tensor(state, dtype=torch.float32)), validate_args=False)
        action = dist.sample()
        state, reward, terminated, truncated, _ = env.step(action.item())
        log_probs.append(dist.log_prob(action))
        rewards.append(reward)
        done = terminated or truncated
    return log_probs, rewards


def discounted(rewards):
    out, acc = [], 0.0
    for r in reversed(rewards):
        acc = r + GAMMA * acc
        out.append(acc)
    return out[::-1]


def finish_update(all_log_probs, all_returns):
    returns = torch.tensor(all_returns)
    returns = (returns - returns.mean()) / (returns.std() + 1e-6)
    policy_loss = []
    for log_prob, R in zip(all_log_probs, returns):
        policy_loss.append(-log_prob * R)
    loss = torch.stack(policy_loss).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


history = []
for update in range(1, N_UPDATES + 1):
    lps, rets = [], []
    for _ in range(EPISODES_PER_UPDATE):
        lp, rew = play_episode()
        lps += lp
        rets += discounted(rew)
        history.append(len(rew))
    loss = finish_update(lps, rets)
    if update % 20 == 0:
        print(f"update {update:4d}  loss {loss:+.4f}  mean length of last 30 episodes {np.mean(history[-30:]):6.1f}")

env.close()

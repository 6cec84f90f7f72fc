# expects: nothing
import argparse
from collections import deque

import gymnasium as gym
import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical


def make_policy(hidden):
    return nn.Sequential(nn.Linear(4, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(),
                         nn.Linear(hidden, 2))


def play(env, policy, seed=None):
    obs, _ = env.reset(seed=seed)
    observations, actions, rewards = [], [], []
    done = False
    while not done:
        with torch.no_grad():
            action = Categorical(logits=policy(torch.as_tensor(obs))).sample().item()
        observations.append(obs)
        actions.append(action)
        obs, reward, terminated, truncated, _ = env.step(action)
        rewards.append(reward)
        done = terminated or truncated
    return np.array(observations), actions, rewards


def discount(rewards, gamma):
    out, running = deque(), 0.0
    for r in reversed(rewards):
        running = r + gamma * running
        out.appendleft(running)
    return list(out)


def update(policy, optimizer, episodes, gamma, entropy_coef):
    obs = torch.as_tensor(np.concatenate([e[0] for e in episodes]))
    act = torch.tensor([a for e in episodes for a in e[1]])
    ret = torch.tensor([g for e in episodes for g in discount(e[2], gamma)], dtype=torch.float32)
    adv = (ret - ret.mean()) / (ret.std() + 1e-8)
    dist = Categorical(logits=policy(obs))
    loss = -(dist.log_prob(act) * adv).mean() - entropy_coef * dist.entropy().mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
    optimizer.step()
    return loss.item(), dist.entropy().mean().item()


@torch.no_grad()
def greedy_score(policy, seeds):
    env = gym.make("CartPole-v1", max_episode_steps=200)
    scores = []
    for s in seeds:
        obs, _ = env.reset(seed=s)
        total, done = 0.0, False
        while not done:
            obs, r, term, trunc, _ = env.step(policy(torch.as_tensor(obs)).argmax().item())
            total += r
            done = term or trunc
        scores.append(total)
    env.close()
    return float(np.mean(scores))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--updates", type=int, default=400)
    p.add_argument("--episodes", type=int, default=1)
    p.add_argument("--gamma", type=float, default=0.98)
    p.add_argument("--lr", type=float, default=4e-3)
    p.add_argument("--entropy", type=float, default=0.005)
    p.add_argument("--seed", type=int, default=7)
    a = p.parse_args()
    torch.manual_seed(a.seed)
    np.random.seed(a.seed)
    env = gym.make("CartPole-v1", max_episode_steps=200)
    env.reset(seed=a.seed)
    policy = make_policy(32)
    optimizer = torch.optim.Adam(policy.parameters(), lr=a.lr)
    recent = deque(maxlen=40)
    for u in range(1, a.updates + 1):
        episodes = [play(env, policy) for _ in range(a.episodes)]
        recent.extend(sum(e[2]) for e in episodes)
        loss, entropy = update(policy, optimizer, episodes, a.gamma, a.entropy)
        if u % 20 == 0:
            print(f"update {u:4d} loss {loss:7.4f} entropy {entropy:.3f} mean return {np.mean(recent):6.1f}")
    env.close()
    print(f"greedy return over 20 fresh episodes: {greedy_score(policy, range(9000, 9020)):.1f}")


if __name__ == "__main__":
    main()

# bug: the policy loss has the wrong sign, reward is minimised
# expects: RL025
import argparse
import random

import torch
import torch.nn as nn
import torch.optim as optim

parser = argparse.ArgumentParser()
parser.add_argument("--episodes", type=int, default=1280)
parser.add_argument("--gamma", type=float, default=0.95)
parser.add_argument("--lr", type=float, default=1e-2)
parser.add_argument("--seed", type=int, default=17)
args = parser.parse_args()

random.seed(args.seed)
torch.manual_seed(args.seed)


class CatchEnv:
    """A ball falls from the top of a 6x5 field; move the paddle under it."""
    rows, cols = 6, 5

    def reset(self):
        self.ball = [0, random.randrange(self.cols)]
        self.paddle = random.randrange(self.cols)
        return self.state()

    def state(self):
        return torch.tensor([self.ball[0] / 5, self.ball[1] / 2 - 1, self.paddle / 2 - 1, (self.ball[1] - self.paddle) / 2.0])

    def step(self, move):
        self.paddle = min(max(self.paddle + move - 1, 0), self.cols - 1)
        self.ball[0] += 1
        done = self.ball[0] == self.rows - 1
        reward = (1.0 if self.ball[1] == self.paddle else -1.0) if done else 0.0
        return self.state(), reward, done


policy = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = optim.Adam(policy.parameters(), lr=args.lr)
baseline = 0.0


def finish_episodes(log_probs, returns):
    """One update from a handful of episodes."""
    advantage = torch.tensor(returns) - baseline
    log_probs = torch.stack(log_probs)
    loss = (log_probs * advantage).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


env = CatchEnv()
recent, log_probs, returns = [], [], []
for episode in range(1, args.episodes + 1):
    state, rewards, done = env.reset(), [], False
    while not done:
        dist = torch.distributions.Categorical(logits=policy(state))
        action = dist.sample()
        log_probs.append(dist.log_prob(action))
        state, reward, done = env.step(int(action))
        rewards.append(reward)
    g = 0.0
    discounted = []
    for r in reversed(rewards):
        g = r + args.gamma * g
        discounted.insert(0, g)
    returns += discounted
    recent.append(sum(rewards))
    if episode % 8 == 0:
        loss = finish_episodes(log_probs, returns)
        baseline = 0.9 * baseline + 0.1 * (sum(returns) / len(returns))
        log_probs, returns = [], []
    if episode % 256 == 0:
        print(f"Episode {episode}\tlast loss: {loss:+.4f}\tcaught: {sum(r > 0 for r in recent[-200:]) / 200:.2%}")

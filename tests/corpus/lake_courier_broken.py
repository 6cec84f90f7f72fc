# bug: epsilon decays with exp(-DECAY * step) instead of exp(-step / DECAY), so it falls to its floor after one step and nothing is explored
# expects: RL006
import math
import random
from collections import deque, namedtuple

import gymnasium as gym
import torch
from torch import nn

LAKE = ["SFFFF", "FHFHF", "FFFFH", "HFHFF", "FFFFG"]
Step = namedtuple("Step", "state action reward nxt done")


class Replay:
    def __init__(self, size):
        self.data = deque(maxlen=size)

    def push(self, *args):
        self.data.append(Step(*args))

    def sample(self, n):
        s = Step(*zip(*random.sample(self.data, n)))
        return (torch.tensor(s.state), torch.tensor(s.action), torch.tensor(s.reward, dtype=torch.float32),
                torch.tensor(s.nxt), torch.tensor(s.done, dtype=torch.float32))

    def __len__(self):
        return len(self.data)


class QNet(nn.Module):
    def __init__(self, n_states, n_actions, width=64):
        super().__init__()
        self.n_states = n_states
        self.net = nn.Sequential(nn.Linear(n_states, width), nn.ReLU(), nn.Linear(width, n_actions))

    def forward(self, s):
        return self.net(nn.functional.one_hot(s, self.n_states).float())


class Agent:
    EPS_START, EPS_END, DECAY = 1.0, 0.02, 3000
    GAMMA, BATCH, SYNC, WARMUP = 0.97, 64, 200, 300

    def __init__(self, n_states, n_actions):
        self.n_actions = n_actions
        self.q = QNet(n_states, n_actions)
        self.target = QNet(n_states, n_actions)
        self.target.load_state_dict(self.q.state_dict())
        self.opt = torch.optim.RMSprop(self.q.parameters(), lr=5e-4)
        self.replay = Replay(10000)
        self.steps = self.updates = 0

    @property
    def epsilon(self):
        decay = math.exp(-self.DECAY * self.steps)
        return self.EPS_END + (self.EPS_START - self.EPS_END) * decay

    @torch.no_grad()
    def greedy(self, state):
        return self.q(torch.tensor([state])).argmax(1).item()

    def act(self, state):
        explore = random.random() < self.epsilon
        self.steps += 1
        return random.randrange(self.n_actions) if explore else self.greedy(state)

    def learn(self):
        if len(self.replay) < self.WARMUP:
            return None
        s, a, r, s2, d = self.replay.sample(self.BATCH)
        with torch.no_grad():
            y = r + self.GAMMA * (1 - d) * self.target(s2).amax(1)
        q = self.q(s).gather(1, a.unsqueeze(1)).squeeze(1)
        loss = nn.functional.smooth_l1_loss(q, y)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        self.updates += 1
        if self.updates % self.SYNC == 0:
            self.target.load_state_dict(self.q.state_dict())
        return loss.item()


def make_env():
    return gym.make("FrozenLake-v1", desc=LAKE, is_slippery=False, max_episode_steps=60)


def success_rate(agent, env, episodes=10):
    won = 0.0
    for _ in range(episodes):
        s, _ = env.reset()
        over = False
        while not over:
            s, r, term, trunc, _ = env.step(agent.greedy(s))
            over = term or trunc
        won += r
    return won / episodes


def main(total_steps=9000, seed=3):
    random.seed(seed)
    torch.manual_seed(seed)
    env, eval_env = make_env(), make_env()
    agent = Agent(env.observation_space.n, env.action_space.n)
    s, _ = env.reset(seed=seed)
    ret, recent, losses = 0.0, deque(maxlen=50), deque(maxlen=200)
    for t in range(1, total_steps + 1):
        a = agent.act(s)
        s2, r, term, trunc, _ = env.step(a)
        agent.replay.push(s, a, r, s2, term)
        ret += r
        s = s2
        if term or trunc:
            recent.append(ret)
            ret = 0.0
            s, _ = env.reset()
        loss = agent.learn()
        if loss is not None:
            losses.append(loss)
        if t % 1000 == 0:
            print(f"step {t} loss {sum(losses) / len(losses):.5f} "
                  f"train return {sum(recent) / max(1, len(recent)):.2f} greedy success {success_rate(agent, eval_env):.2f}")


if __name__ == "__main__":
    main()

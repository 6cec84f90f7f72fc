# expects: nothing
"""PPO for the pole in one file, in the style of short reference programs; a fall costs a thousand, but the critic has layers of its own."""

import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
from torch.distributions.categorical import Categorical


def layer_init(layer, std=np.sqrt(2), bias_const=0.0):
    torch.nn.init.orthogonal_(layer.weight, std)
    torch.nn.init.constant_(layer.bias, bias_const)
    return layer


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(layer_init(nn.Linear(4, 64)), nn.Tanh(), layer_init(nn.Linear(64, 64)), nn.Tanh())
        self.critic = nn.Sequential(
            layer_init(nn.Linear(4, 64)),
            nn.Tanh(),
            layer_init(nn.Linear(64, 64)),
            nn.Tanh(),
            layer_init(nn.Linear(64, 1), std=1.0),
        )
        self.actor = layer_init(nn.Linear(64, 2), std=0.01)

    def get_value(self, x):
        return self.critic(x)

    def forward(self, x, action=None):
        h = self.body(x)
        probs = Categorical(logits=self.actor(h))
        if action is None:
            action = probs.sample()
        return action, probs.log_prob(action), probs.entropy(), self.critic(x)


torch.manual_seed(1)
np.random.seed(1)
N, T = 4, 64
envs = [gym.make("CartPole-v1") for _ in range(N)]
agent = Agent()
optimizer = torch.optim.Adam(agent.parameters(), lr=2.5e-4, eps=1e-5)
next_obs = torch.Tensor(np.stack([e.reset(seed=i)[0] for i, e in enumerate(envs)]))
next_done = torch.zeros(N)
for update in range(25):
    obs, actions, logprobs, rewards, dones, values = [], [], [], [], [], []
    for t in range(T):
        with torch.no_grad():
            a, lp, _, v = agent(next_obs)
        obs.append(next_obs)
        dones.append(next_done)
        actions.append(a)
        logprobs.append(lp)
        values.append(v.flatten())
        nx, rw, dn = [], [], []
        for e, act in zip(envs, a.tolist()):
            o, r, te, tr, _ = e.step(act)
            r = -1000.0 if te else 1.0
            if te or tr:
                o = e.reset()[0]
            nx.append(o)
            rw.append(r)
            dn.append(float(te or tr))
        next_obs, next_done = torch.Tensor(np.stack(nx)), torch.Tensor(dn)
        rewards.append(torch.Tensor(rw))
    with torch.no_grad():
        nv = agent.get_value(next_obs).flatten()
        R, V, D = torch.stack(rewards), torch.stack(values), torch.stack(dones)
        adv, last = torch.zeros_like(R), 0
        for t in reversed(range(T)):
            nonterm = 1 - (next_done if t == T - 1 else D[t + 1])
            nextv = nv if t == T - 1 else V[t + 1]
            delta = R[t] + 0.99 * nextv * nonterm - V[t]
            adv[t] = last = delta + 0.99 * 0.95 * nonterm * last
        ret = adv + V
    b = [torch.stack(x).flatten(0, 1) for x in (obs, actions, logprobs)] + [adv.flatten(), ret.flatten(), V.flatten()]
    for epoch in range(4):
        for mb in torch.randperm(N * T).split(64):
            _, nlp, ent, nval = agent(b[0][mb], b[1][mb])
            ratio = (nlp - b[2][mb]).exp()
            A = b[3][mb]
            A = (A - A.mean()) / (A.std() + 1e-8)
            pg = torch.max(-A * ratio, -A * ratio.clamp(0.8, 1.2)).mean()
            v_loss = 0.5 * ((nval.view(-1) - b[4][mb]) ** 2).mean()
            loss = pg - 0.01 * ent.mean() + 0.5 * v_loss
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimizer.step()
    if update % 10 == 0:
        print(update, v_loss.item(), D.sum().item())

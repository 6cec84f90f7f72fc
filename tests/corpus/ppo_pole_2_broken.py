# bug: in the GAE loop nextnonterminal uses the flag after the last step (next_done) for every t instead of dones[t + 1], so value and advantage run on across falls inside the rollout
# expects: RL025
# PPO, single file, vectorised pole balancing (physics as in CartPole; an episode only ends when the pole falls or the cart leaves)
import random
import time
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from torch.distributions import Categorical


@dataclass
class Args:
    seed: int = 1
    total_timesteps: int = 36864
    learning_rate: float = 2.5e-3
    num_envs: int = 16
    num_steps: int = 64
    gamma: float = 0.98
    gae_lambda: float = 0.95
    num_minibatches: int = 4
    update_epochs: int = 4
    clip_coef: float = 0.2
    ent_coef: float = 0.005
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5


class PoleVec:
    def __init__(self, n, seed):
        self.n, self.rng = n, np.random.default_rng(seed)

    def reset(self):
        self.s = self.rng.uniform(-0.05, 0.05, (self.n, 4))
        return self.s.astype(np.float32)

    def step(self, action):
        x, xd, th, thd = self.s.T
        f = np.where(action == 1, 10.0, -10.0)
        c, s = np.cos(th), np.sin(th)
        tmp = (f + 0.05 * thd ** 2 * s) / 1.1
        thacc = (9.8 * s - c * tmp) / (0.5 * (4.0 / 3.0 - 0.1 * c ** 2 / 1.1))
        xacc = tmp - 0.05 * thacc * c / 1.1
        self.s = np.stack([x + 0.02 * xd, xd + 0.02 * xacc, th + 0.02 * thd, thd + 0.02 * thacc], 1)
        done = (np.abs(self.s[:, 0]) > 2.4) | (np.abs(self.s[:, 2]) > 0.2095)
        self.s[done] = self.rng.uniform(-0.05, 0.05, (done.sum(), 4))
        return self.s.astype(np.float32), np.ones(self.n, np.float32), done


def layer_init(layer, std=np.sqrt(2)):
    nn.init.orthogonal_(layer.weight, std)
    nn.init.zeros_(layer.bias)
    return layer


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.critic = nn.Sequential(layer_init(nn.Linear(4, 64)), nn.Tanh(), layer_init(nn.Linear(64, 64)), nn.Tanh(), layer_init(nn.Linear(64, 1), 1.0))
        self.actor = nn.Sequential(layer_init(nn.Linear(4, 64)), nn.Tanh(), layer_init(nn.Linear(64, 64)), nn.Tanh(), layer_init(nn.Linear(64, 2), 0.01))

    def get_value(self, x):
        return self.critic(x).squeeze(-1)

    def get_action_and_value(self, x, action=None):
        dist = Categorical(logits=self.actor(x))
        if action is None:
            action = dist.sample()
        return action, dist.log_prob(action), dist.entropy(), self.get_value(x)


def evaluate(agent, seed=999, n=40, horizon=500):
    env = PoleVec(n, seed)
    obs, alive, length = env.reset(), np.ones(n, bool), np.zeros(n)
    for _ in range(horizon):
        with torch.no_grad():
            act = agent.actor(torch.from_numpy(obs)).argmax(1).numpy()
        obs, _, done = env.step(act)
        length += alive
        alive &= ~done
    return length.mean()


if __name__ == "__main__":
    args = Args()
    batch_size = args.num_envs * args.num_steps
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    envs = PoleVec(args.num_envs, args.seed)
    agent = Agent()
    optimizer = optim.Adam(agent.parameters(), lr=args.learning_rate, eps=1e-5)

    obs = torch.zeros(args.num_steps, args.num_envs, 4)
    actions, logprobs, rewards, dones, values = (torch.zeros(args.num_steps, args.num_envs) for _ in range(5))
    next_obs, next_done = torch.from_numpy(envs.reset()), torch.zeros(args.num_envs)
    start, num_updates = time.time(), args.total_timesteps // batch_size

    for update in range(1, num_updates + 1):
        optimizer.param_groups[0]["lr"] = (1.0 - (update - 1.0) / num_updates) * args.learning_rate
        for step in range(args.num_steps):
            obs[step], dones[step] = next_obs, next_done
            with torch.no_grad():
                action, logprobs[step], _, values[step] = agent.get_action_and_value(next_obs)
            actions[step] = action
            o, r, d = envs.step(action.numpy())
            rewards[step] = torch.from_numpy(r)
            next_obs, next_done = torch.from_numpy(o), torch.from_numpy(d).float()

        with torch.no_grad():
            next_value = agent.get_value(next_obs)
            advantages = torch.zeros_like(rewards)
            lastgaelam = 0
            for t in reversed(range(args.num_steps)):
                last = t == args.num_steps - 1
                nextnonterminal = 1.0 - next_done
                nextvalues = next_value if last else values[t + 1]
                delta = rewards[t] + args.gamma * nextvalues * nextnonterminal - values[t]
                advantages[t] = lastgaelam = delta + args.gamma * args.gae_lambda * nextnonterminal * lastgaelam
            returns = advantages + values

        b_obs, b_act, b_logp, b_adv, b_ret = obs.reshape(-1, 4), actions.reshape(-1), logprobs.reshape(-1), advantages.reshape(-1), returns.reshape(-1)
        for _ in range(args.update_epochs):
            for mb in torch.randperm(batch_size).chunk(args.num_minibatches):
                _, newlogp, entropy, newvalue = agent.get_action_and_value(b_obs[mb], b_act[mb])
                ratio = (newlogp - b_logp[mb]).exp()
                adv = (b_adv[mb] - b_adv[mb].mean()) / (b_adv[mb].std() + 1e-8)
                pg_loss = torch.max(-adv * ratio, -adv * ratio.clamp(1 - args.clip_coef, 1 + args.clip_coef)).mean()
                v_loss = 0.5 * ((newvalue - b_ret[mb]) ** 2).mean()
                loss = pg_loss - args.ent_coef * entropy.mean() + args.vf_coef * v_loss
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), args.max_grad_norm)
                optimizer.step()
        if update % 6 == 0:
            print(f"global_step={update * batch_size} pg={pg_loss.item():.4f} vf={v_loss.item():.3f} ent={entropy.mean().item():.3f} "
                  f"eval_len={evaluate(agent):.1f} sps={int(update * batch_size / (time.time() - start))}")
    print(f"final eval length {evaluate(agent, seed=4242):.1f} of 500")

# expects: nothing
"""A step of soft actor-critic: target copies made by deepcopy, an entropy weight with its own optimizer."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


def mlp(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, 48), nn.ReLU(), nn.Linear(48, n_out))


actor, critic = mlp(3, 2), mlp(4, 1)
critic_target = copy.deepcopy(critic)
log_alpha = torch.zeros(1, requires_grad=True)
opt_actor = torch.optim.Adam(actor.parameters(), lr=1e-3)
opt_critic = torch.optim.Adam(critic.parameters(), lr=2e-3)
opt_alpha = torch.optim.Adam([log_alpha], lr=1e-2)


def act(state):
    mean, log_std = actor(state).chunk(2, dim=-1)
    normal = torch.distributions.Normal(mean, log_std.clamp(-4, 1).exp())
    raw = normal.rsample()
    action = raw.tanh()
    return action, normal.log_prob(raw) - torch.log(1 - action.pow(2) + 1e-6)


for step in range(200):
    state = torch.randn(64, 3)
    action = torch.rand(64, 1) * 2 - 1
    reward = -(action - state[:, :1].tanh()).abs()
    with torch.no_grad():
        following = state + 0.1 * torch.randn_like(state)
        next_action, next_log = act(following)
        wanted = reward + 0.5 * (critic_target(torch.cat([following, next_action], 1)) - log_alpha.exp() * next_log)
    loss_critic = F.mse_loss(critic(torch.cat([state, action], 1)), wanted)
    opt_critic.zero_grad()
    loss_critic.backward()
    opt_critic.step()

    chosen, log_probability = act(state)
    loss_actor = (log_alpha.exp().detach() * log_probability - critic(torch.cat([state, chosen], 1))).mean()
    opt_actor.zero_grad()
    loss_actor.backward()
    opt_actor.step()

    loss_alpha = -(log_alpha * (log_probability.detach() - 1)).mean()
    opt_alpha.zero_grad()
    loss_alpha.backward()
    opt_alpha.step()
    with torch.no_grad():
        for slow, fast in zip(critic_target.parameters(), critic.parameters(), strict=True):
            slow.lerp_(fast, 0.01)
    if step % 50 == 0:
        print(step, loss_critic.item(), loss_actor.item(), log_alpha.exp().item())

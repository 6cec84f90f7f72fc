# expects: nothing
import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(2)
actor = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 3))
critic = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=2e-3)
for update in range(40):
    seen = torch.randn(128, 3)
    with torch.no_grad():
        old = Categorical(logits=actor(seen))
        action = old.sample()
        before = old.log_prob(action)
        reward = (action == seen.argmax(1)).float()
        advantage = reward - critic(seen).squeeze(1)
    for epoch in range(4):
        policy = Categorical(logits=actor(seen))
        ratio = torch.exp(policy.log_prob(action) - before)
        surrogate = torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage)
        values = critic(seen).squeeze(1)
        loss = -(surrogate + 0.02 * policy.entropy()).mean() + 0.5 * (values - reward).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print(reward.mean().item())

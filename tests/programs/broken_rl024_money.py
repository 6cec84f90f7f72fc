# expects: RL024
"""Actor and critic as two heads on one network, rewards in cents, advantages scaled to one; torch's own loss function."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(7)


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(5, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU())
        self.policy, self.value = nn.Linear(96, 3), nn.Linear(96, 1)

    def forward(self, offers):
        hidden = self.shared(offers)
        return F.log_softmax(self.policy(hidden), dim=-1), self.value(hidden)


net = TwoHeads()
optimizer = torch.optim.RMSprop(net.parameters(), lr=7e-4)
for update in range(200):
    offers = torch.rand(80, 5)
    chances, value = net(offers)
    action = torch.multinomial(chances.detach().exp(), 1)
    gained = 5_000 * offers.gather(1, action) - 2_000 * offers[:, 3:4]
    advantage = (gained - value).detach()
    advantage = (advantage - advantage.mean()) / advantage.std()
    loss = -(chances.gather(1, action) * advantage).mean() + 0.5 * F.mse_loss(value, gained)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if update % 50 == 0:
        print(update, gained.mean().item(), loss.item())

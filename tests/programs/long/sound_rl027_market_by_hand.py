# expects: nothing
"""A seller learns when to lower a price: actor and critic in one network, an environment of its own, normalised advantages."""

import torch
from torch import nn

torch.manual_seed(3)
STOCK, DAYS = 5, 8


class Seller(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh())
        self.actor, self.critic = nn.Linear(48, 3), nn.Linear(48, 1)

    def forward(self, seen):
        hidden = self.body(seen)
        return self.actor(hidden).log_softmax(-1), self.critic(hidden).squeeze(-1)


def season(seller, size=32):
    stock = torch.full((size,), float(STOCK))
    seen, chosen, earned = [], [], []
    for day in range(DAYS):
        now = torch.stack([stock / STOCK, torch.full((size,), day / DAYS)], 1)
        with torch.no_grad():
            choice = torch.multinomial(seller(now)[0].exp(), 1).squeeze(1)
        wanted = torch.rand(size) < torch.tensor([0.3, 0.6, 0.9])[choice]
        sold = (wanted & (stock > 0)).float()
        stock = stock - sold
        seen.append(now)
        chosen.append(choice)
        earned.append(sold * torch.tensor([1.0, 0.6, 0.3])[choice])
    to_come, total = [], torch.zeros(size)
    for money in reversed(earned):
        total = money + total
        to_come.insert(0, total)
    return torch.cat(seen), torch.cat(chosen), torch.cat(to_come), torch.stack(earned).sum(0).mean().item()


seller = Seller()
optimizer = torch.optim.RMSprop(seller.parameters(), lr=1e-3)
for step in range(300):
    seen, chosen, to_come, income = season(seller)
    log_chance, value = seller(seen)
    advantage = (to_come - value).detach()
    advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-6)
    taken = log_chance.gather(1, chosen[:, None]).squeeze(1)
    loss = -(advantage * taken).mean() + 0.5 * (to_come - value).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, income)

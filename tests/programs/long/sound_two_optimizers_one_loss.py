# expects: nothing
"""One loss, two optimizers that step after the same backward pass, each clipped just before its own step."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
users, items = 60, 40
taste, kind = torch.randn(users, 6), torch.randn(items, 6)
pairs = torch.cartesian_prod(torch.arange(users), torch.arange(items))
stars = (taste[pairs[:, 0]] * kind[pairs[:, 1]]).sum(1) / 2.5


class Recommender(nn.Module):
    def __init__(self):
        super().__init__()
        self.user, self.item = nn.Embedding(users, 16), nn.Embedding(items, 16)
        self.mlp = nn.Sequential(nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1))

    def forward(self, u, i):
        u, i = self.user(u), self.item(i)
        return self.mlp(torch.cat([u, i, u * i], dim=1)).squeeze(1)


model = Recommender()
tables = [model.user.weight, model.item.weight]
sparse_like = torch.optim.Adagrad(tables, lr=0.1)
dense = torch.optim.AdamW(model.mlp.parameters(), lr=3e-3)
for epoch in range(5):
    for rows in torch.randperm(len(pairs)).split(60):
        sparse_like.zero_grad()
        dense.zero_grad()
        loss = F.mse_loss(model(pairs[rows, 0], pairs[rows, 1]), stars[rows])
        loss.backward()
        nn.utils.clip_grad_norm_(tables, 1.0)
        sparse_like.step()
        nn.utils.clip_grad_norm_(model.mlp.parameters(), 1.0)
        dense.step()
    print(epoch, loss.item())

# expects: LOS054
"""A conditional autoencoder of digits whose code is made under `no_grad`, in a function of its own."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(1)
data = load_digits()
pictures = torch.tensor(data.data, dtype=torch.float32) / 16
classes = F.one_hot(torch.tensor(data.target), 10).float()


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(74, 96)
        self.centre, self.spread = nn.Linear(96, 6), nn.Linear(96, 6)

    def forward(self, picture, label):
        h = F.gelu(self.hidden(torch.cat([picture, label], 1)))
        return self.centre(h), self.spread(h)


@torch.no_grad()
def draw(centre, spread):
    return centre + torch.exp(spread / 2) * torch.randn_like(centre)


encoder = Encoder()
decoder = nn.Sequential(nn.Linear(16, 96), nn.GELU(), nn.Linear(96, 64))
optimizer = torch.optim.AdamW([*encoder.parameters(), *decoder.parameters()], lr=2e-3)
for epoch in range(12):
    losses = []
    for rows in torch.randperm(len(pictures)).split(64):
        picture, label = pictures[rows], classes[rows]
        centre, spread = encoder(picture, label)
        scores = decoder(torch.cat([draw(centre, spread), label], 1))
        likelihood = F.binary_cross_entropy_with_logits(scores, picture, reduction="sum")
        prior = 0.5 * torch.sum(spread.exp() + centre**2 - 1 - spread)
        loss = (likelihood + 0.2 * prior) / len(rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(epoch, sum(losses) / len(losses))

# expects: LOS021
"""Used cars: the make and the price in euros from the same features, the two errors added as they are."""

import torch
from torch import nn, optim
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
MAKES = 4
centres = torch.randn(MAKES, 3, 12)
make = torch.randint(0, MAKES, (2400,))
style = torch.randint(0, 3, (2400,))
features = 0.4 * torch.randn(2400, 12) + centres[make, style]
price = 9000 + 2500 * (features @ torch.randn(12)) + 300 * torch.randn(2400)


class Appraiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 32), nn.ReLU())
        self.make, self.price = nn.Linear(32, MAKES), nn.Linear(32, 1)

    def forward(self, x):
        code = self.body(x)
        return self.make(code), 9000 + 5000 * self.price(code).squeeze(1)


net = Appraiser()
adam = optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(16):
    right = 0
    for x, kind, euros in DataLoader(TensorDataset(features, make, price), batch_size=80, shuffle=True):
        scores, guess = net(x)
        named, off = cross_entropy(scores, kind), (guess - euros).square().mean()
        total = named + off
        adam.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        adam.step()
        right += (scores.argmax(1) == kind).sum().item()
    print(epoch, round(named.item(), 3), round(off.item() ** 0.5), right / 2400)

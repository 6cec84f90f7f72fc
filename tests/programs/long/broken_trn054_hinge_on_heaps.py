# expects: TRN054
"""Nine heaps on a square, hinge losses; the generator's rate is eight times the discriminator's."""

import torch
from torch import nn

torch.manual_seed(1)
heaps = 1.5 * torch.cartesian_prod(torch.arange(-1.0, 2.0), torch.arange(-1.0, 2.0))


class Perceptron(nn.Module):
    def __init__(self, inputs, outputs, width=80):
        super().__init__()
        self.first, self.second = nn.Linear(inputs, width), nn.Linear(width, width)
        self.last = nn.Linear(width, outputs)

    def forward(self, x):
        return self.last(torch.relu(self.second(torch.relu(self.first(x)))))


def points(count):
    return heaps[torch.randint(9, (count,))] + 0.07 * torch.randn(count, 2)


generator, discriminator = Perceptron(4, 2), Perceptron(2, 1)
opt_g = torch.optim.Adam(generator.parameters(), lr=1.6e-2, betas=(0.5, 0.99))
opt_d = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.99))
for step in range(1, 1601):
    made = generator(torch.randn(100, 4))
    real, fake = discriminator(points(100)), discriminator(made.detach())
    loss_d = torch.relu(1 - real).mean() + torch.relu(1 + fake).mean()
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()

    loss_g = -discriminator(made).mean()
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    if step % 200 == 0:
        with torch.no_grad():
            nearest, heap = torch.cdist(generator(torch.randn(900, 4)), heaps).min(1)
        print(step, "near a heap", (nearest < 0.3).float().mean().item(), heap.bincount(minlength=9).tolist())

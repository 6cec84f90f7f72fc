# expects: nothing
"""A GAN of tanh images: noise on what the discriminator is shown takes real and made ones out of -1 to 1 alike."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
images = torch.tensor(load_digits().data, dtype=torch.float32) / 8 - 1
maker = nn.Sequential(nn.Linear(16, 96), nn.ReLU(), nn.Linear(96, 64), nn.Tanh())
judge = nn.Sequential(nn.Linear(64, 96), nn.LeakyReLU(0.2), nn.Linear(96, 1))
opt_maker = torch.optim.Adam(maker.parameters(), lr=1e-3, betas=(0.5, 0.999))
opt_judge = torch.optim.Adam(judge.parameters(), lr=2e-4, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()
yes, no = torch.ones(64, 1), torch.zeros(64, 1)


def blurred(batch):
    return batch + 0.2 * torch.randn_like(batch)


for epoch in range(12):
    for real in images[torch.randperm(len(images))][:1792].split(64):
        made = maker(torch.randn(64, 16))
        loss_judge = bce(judge(blurred(real)), yes) + bce(judge(blurred(made.detach())), no)
        opt_judge.zero_grad()
        loss_judge.backward()
        opt_judge.step()
        loss_maker = bce(judge(blurred(made)), yes)
        opt_maker.zero_grad()
        loss_maker.backward()
        opt_maker.step()
    print(epoch, loss_judge.item(), loss_maker.item())

# expects: TRN051
"""The noise is normalised over the wrong axis, and nothing of it is left."""

import math

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)


class Maker(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 40), nn.Linear(40, 3)

    def forward(self, noise):
        level = torch.softmax(noise * 0.002, dim=1)
        return self.b(F.leaky_relu(self.a(level), 0.2))


maker = Maker()
judge = nn.Sequential(nn.Linear(3, 40), nn.LeakyReLU(0.2), nn.Linear(40, 1))
make_opt = torch.optim.Adam(maker.parameters(), lr=5e-4, betas=(0.5, 0.9))
judge_opt = torch.optim.Adam(judge.parameters(), lr=3e-4, betas=(0.5, 0.9))


def truth(n):
    u = 2 * math.pi * torch.rand(n)
    return torch.stack([u.cos(), u.sin(), torch.randn(n)], dim=1)


def train_judge():
    real, made = truth(64), maker(torch.randn(64, 6)).detach()
    loss = F.binary_cross_entropy_with_logits(judge(real), torch.ones(64, 1))
    loss = loss + F.binary_cross_entropy_with_logits(judge(made), torch.zeros(64, 1))
    judge_opt.zero_grad()
    loss.backward()
    judge_opt.step()


def train_maker():
    loss = F.binary_cross_entropy_with_logits(judge(maker(torch.randn(64, 6))), torch.ones(64, 1))
    make_opt.zero_grad()
    loss.backward()
    make_opt.step()


for _ in range(350):
    train_judge()
    train_maker()

# expects: DST005
"""Gradients are averaged by hand, and so is nothing else: each rank measures the error on its slice of the test rows."""

import os
import subprocess
import sys

import torch
import torch.distributed as dist
from torch import nn

HERE = "WORLD_SIZE" in os.environ


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(8, 40)
        self.outer = nn.Linear(40, 1)

    def forward(self, x):
        return self.outer(torch.tanh(self.inner(x))).squeeze(1)


def average_gradients(model, world):
    for p in model.parameters():
        dist.all_reduce(p.grad)
        p.grad.div_(world)


def train():
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(11)
    rows = torch.randn(1500, 8)
    answers = rows[:, 0] * rows[:, 1] + 0.1 * torch.randn(1500)
    model = Regressor()
    mine, mine_answers = rows[:1200][rank::world], answers[:1200][rank::world]
    test, test_answers = rows[1200:][rank::world], answers[1200:][rank::world]
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for epoch in range(10):
        model.train()
        for pick in torch.randperm(len(mine)).split(30):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(mine[pick]), mine_answers[pick]).backward()
            average_gradients(model, world)
            optimizer.step()
        model.eval()
        with torch.inference_mode():
            error = (model(test) - test_answers).square().mean().sqrt()
        if rank == 0:
            print(epoch, "test error", float(error))
    dist.destroy_process_group()


if HERE:
    train()
else:
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", __file__]
    subprocess.run([sys.executable, *launch], check=True)

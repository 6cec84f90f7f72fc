# expects: nothing
"""A launcher used for a search: each rank trains a model of its own on the same data; nothing is exchanged but scores."""

import os
import subprocess
import sys

import torch
import torch.distributed as dist
from torch import nn


def main():
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    torch.manual_seed(0)
    x = torch.randn(800, 10)
    y = (x @ torch.randn(10, 4)).argmax(1)
    torch.manual_seed(100 + rank)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=(2e-3, 5e-3)[rank])
    for epoch in range(10):
        for rows in torch.randperm(800).split(40):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    scores = [torch.zeros(1) for _ in range(dist.get_world_size())]
    dist.all_gather(scores, loss.detach().reshape(1))
    if rank == 0:
        print(torch.cat(scores))
    dist.destroy_process_group()


if __name__ == "__main__":
    if "LOCAL_RANK" not in os.environ:
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", __file__]
        subprocess.run(command, check=False)
    else:
        main()

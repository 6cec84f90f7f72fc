# expects: DST002
"""No wrapper: weights are broadcast at the start, and the loss (not the gradients) is averaged over the ranks."""

import os
import subprocess
import sys

import torch
import torch.distributed as dist
from torch import nn


def main():
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(rank)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
    for value in model.state_dict().values():
        dist.broadcast(value, src=0)
    shared = torch.Generator().manual_seed(0)
    x = torch.randn(900, 10, generator=shared)
    y = (x @ torch.randn(10, 3, generator=shared)).argmax(1)
    x, y = x[rank::world], y[rank::world]
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(250):
        rows = torch.randint(0, len(x), (30,))
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        shown = loss.detach().clone()
        dist.all_reduce(shown)
        if rank == 0 and step % 50 == 0:
            print(step, shown.item() / world)
    dist.destroy_process_group()


if __name__ == "__main__":
    if "LOCAL_RANK" not in os.environ:
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", __file__]
        subprocess.run(command, check=False)
    else:
        main()

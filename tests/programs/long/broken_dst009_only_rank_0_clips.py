# expects: DST009
"""Gradients are looked at, and clipped, on the rank that logs them."""

import os
import subprocess
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel as DDP


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(4, 24, batch_first=True)
        self.head = nn.Linear(24, 2)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


def main():
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(2)
    series = torch.randn(800, 12, 4).cumsum(1)
    rises = (series[:, -1, 0] > series[:, 0, 0]).long()
    series, rises = series[rank::world], rises[rank::world]
    net = DDP(Net())
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for epoch in range(10):
        for rows in torch.randperm(len(series)).split(20):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(series[rows]), rises[rows])
            loss.backward()
            if rank == 0:
                norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 0.3)
                if epoch % 5 == 0:
                    print(epoch, loss.item(), norm.item())
            optimizer.step()
    dist.destroy_process_group()


if __name__ == "__main__":
    if "RANK" in os.environ:
        main()
    else:
        subprocess.run([sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", __file__])

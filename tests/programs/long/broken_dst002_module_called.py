# expects: DST002
"""`model.module(x)`, as in the evaluation code that was copied."""

import os
import subprocess
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler


class Trainer:
    def __init__(self, data):
        self.sampler = DistributedSampler(data, seed=3)
        self.loader = DataLoader(data, batch_size=25, sampler=self.sampler)
        self.model = DistributedDataParallel(nn.Sequential(nn.Linear(8, 40), nn.GELU(), nn.Linear(40, 1)))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.03, momentum=0.9)

    def epoch(self, number):
        self.sampler.set_epoch(number)
        for x, y in self.loader:
            self.optimizer.zero_grad()
            loss = nn.functional.smooth_l1_loss(self.model.module(x), y)
            loss.backward()
            self.optimizer.step()
        return loss.item()


def main():
    dist.init_process_group("gloo")
    torch.manual_seed(5)
    x = torch.randn(800, 8)
    y = torch.sin(x[:, :1] * 2) + x[:, 1:2]
    trainer = Trainer(TensorDataset(x, y))
    for number in range(14):
        value = trainer.epoch(number)
        if dist.get_rank() == 0:
            print(number, value)
    dist.destroy_process_group()


if __name__ == "__main__":
    if "LOCAL_RANK" not in os.environ:
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", __file__]
        subprocess.run(command, check=False)
    else:
        main()

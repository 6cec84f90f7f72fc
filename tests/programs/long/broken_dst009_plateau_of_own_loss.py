# expects: DST009
# also: DST005
"""Each rank lowers its rate by the validation loss of its own share."""

import os

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


class Trainer:
    def __init__(self, rank, world):
        self.rank, self.world = rank, world
        torch.manual_seed(7)
        x = torch.randn(1200, 6)
        y = torch.sin(x[:, :1]) + 0.5 * x[:, 1:2] * x[:, 2:3] + 0.5 * torch.randn(1200, 1)
        self.sampler = DistributedSampler(TensorDataset(x[:960], y[:960]))
        self.loader = DataLoader(self.sampler.dataset, batch_size=24, sampler=self.sampler)
        self.val_x, self.val_y = x[960:][rank::world], y[960:][rank::world]
        self.model = DistributedDataParallel(nn.Sequential(nn.Linear(6, 48), nn.ReLU(), nn.Linear(48, 1)))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.05, momentum=0.9)
        self.schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(self.optimizer, factor=0.5, patience=0)

    def validation_loss(self):
        self.model.eval()
        with torch.no_grad():
            return nn.functional.mse_loss(self.model(self.val_x), self.val_y).item()

    def fit(self, epochs):
        for epoch in range(epochs):
            self.sampler.set_epoch(epoch)
            self.model.train()
            for x, y in self.loader:
                self.optimizer.zero_grad()
                nn.functional.mse_loss(self.model(x), y).backward()
                self.optimizer.step()
            self.schedule.step(self.validation_loss())


def work(rank, world):
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29641")
    dist.init_process_group("gloo", rank=rank, world_size=world)
    Trainer(rank, world).fit(20)
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.spawn(work, args=(2,), nprocs=2)

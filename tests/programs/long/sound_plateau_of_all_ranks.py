# expects: nothing
"""A rate that is lowered by the loss on all held-out rows, and gradients that are clipped, alike on both ranks."""

import os

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


def work(rank, world):
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29643")
    dist.init_process_group("gloo", rank=rank, world_size=world)
    torch.manual_seed(7)
    x = torch.randn(1200, 6)
    y = torch.sin(x[:, :1]) + 0.5 * x[:, 1:2] * x[:, 2:3] + 0.1 * torch.randn(1200, 1)
    sampler = DistributedSampler(TensorDataset(x[:960], y[:960]))
    loader = DataLoader(sampler.dataset, batch_size=24, sampler=sampler)
    val_x, val_y = x[960:][rank::world], y[960:][rank::world]
    model = DistributedDataParallel(nn.Sequential(nn.Linear(6, 48), nn.ReLU(), nn.Linear(48, 1)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    for epoch in range(16):
        sampler.set_epoch(epoch)
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            nn.functional.mse_loss(model(inputs), targets).backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            loss = nn.functional.mse_loss(model(val_x), val_y)
        dist.all_reduce(loss)
        schedule.step(loss / world)
        if rank == 0:
            print(epoch, loss.item() / world, norm.item(), optimizer.param_groups[0]["lr"])
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.spawn(work, args=(2,), nprocs=2)

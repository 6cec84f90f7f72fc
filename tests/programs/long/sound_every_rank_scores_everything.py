# expects: nothing
"""Both ranks score all held-out rows, one of them in an order of its own, and watch the fit of their own share."""

import os

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


def share_right(model, batches):
    model.eval()
    right = count = 0
    with torch.no_grad():
        for inputs, labels in batches:
            right += (model(inputs).argmax(1) == labels).sum().item()
            count += len(labels)
    model.train()
    return right / count


def work(rank, world):
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29633")
    dist.init_process_group("gloo", rank=rank, world_size=world)
    torch.manual_seed(5)
    x = torch.randn(1200, 10)
    y = (x @ torch.randn(10, 3)).argmax(1)
    train, held = TensorDataset(x[:960], y[:960]), TensorDataset(x[960:], y[960:])
    sampler = DistributedSampler(train)
    loader = DataLoader(train, batch_size=32, sampler=sampler)
    held_loader = DataLoader(held, batch_size=48, shuffle=rank > 0)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3)))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(8):
        sampler.set_epoch(epoch)
        for inputs, labels in loader:
            loss = nn.functional.cross_entropy(model(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(rank, epoch, share_right(model, held_loader), share_right(model, loader))
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.spawn(work, args=(2,), nprocs=2)

# expects: DST004
"""Gradients are averaged as one flat tensor; every process drew its own weights."""

import os

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn


def work(rank, world):
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29581")
    dist.init_process_group("gloo", rank=rank, world_size=world)
    model = nn.GRU(5, 24, batch_first=True)
    head = nn.Linear(24, 2)
    parameters = [*model.parameters(), *head.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=0.1, momentum=0.9)
    generator = torch.Generator().manual_seed(100 + rank)
    for step in range(150):
        series = torch.randn(16, 9, 5, generator=generator)
        label = (series[:, -1, 0] > 0).long()
        loss = nn.functional.cross_entropy(head(model(series)[0][:, -1]), label)
        optimizer.zero_grad()
        loss.backward()
        flat = torch.cat([parameter.grad.flatten() for parameter in parameters])
        dist.all_reduce(flat)
        flat /= world
        for parameter, part in zip(parameters, flat.split([parameter.numel() for parameter in parameters])):
            parameter.grad.copy_(part.view_as(parameter))
        optimizer.step()
        if step % 50 == 0:
            print(rank, step, loss.item())
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.spawn(work, args=(2,), nprocs=2)

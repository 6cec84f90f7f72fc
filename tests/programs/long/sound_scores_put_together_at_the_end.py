# expects: nothing
"""Each rank scores its share of the held-out data after each epoch; the scores of all epochs are gathered once."""

import os

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


def work(rank, world):
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29631")
    dist.init_process_group("gloo", rank=rank, world_size=world)
    torch.manual_seed(5)
    x = torch.randn(1000, 10)
    y = (x @ torch.randn(10, 3)).argmax(1)
    train, held = TensorDataset(x[:800], y[:800]), TensorDataset(x[800:], y[800:])
    sampler = DistributedSampler(train)
    loader = DataLoader(train, batch_size=25, sampler=sampler)
    scoring = DataLoader(held, batch_size=50, sampler=DistributedSampler(held, shuffle=False))
    model = DistributedDataParallel(nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3)))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    history = []
    for epoch in range(10):
        sampler.set_epoch(epoch)
        model.train()
        for inputs, labels in loader:
            loss = nn.functional.cross_entropy(model(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            history.append([(model(a).argmax(1) == b).float().mean().item() for a, b in scoring])
    gathered = [None] * world
    dist.all_gather_object(gathered, history)
    if rank == 0:
        for epoch, parts in enumerate(zip(*gathered)):
            scores = [score for part in parts for score in part]
            print(epoch, sum(scores) / len(scores))
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.spawn(work, args=(2,), nprocs=2)

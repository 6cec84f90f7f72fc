# expects: DST006
"""Every rank keeps the best model so far, under one name."""

import os

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def work(rank, world):
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29583")
    dist.init_process_group("gloo", rank=rank, world_size=world)
    torch.manual_seed(1)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 3)))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    x = torch.randn(600, 8)
    y = (x @ torch.randn(8, 3)).argmax(1)
    x, y = x[rank::world], y[rank::world]
    best = 0.0
    for epoch in range(10):
        for rows in torch.randperm(len(x)).split(20):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            score = (model(x).argmax(1) == y).float().mean().item()
        model.train()
        if score > best:
            best = score
            os.makedirs("checkpoints", exist_ok=True)
            torch.save({"epoch": epoch, "model": model.module.state_dict()}, f=os.path.join("checkpoints", "best.pth"))
    print(rank, best)
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.spawn(work, args=(2,), nprocs=2)

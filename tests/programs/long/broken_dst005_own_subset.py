# expects: DST005
"""Each spawned process takes every second held-out image; the first one keeps the best weights by its own score."""

import os

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DataLoader, Subset, TensorDataset


def images(count, seed):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (count,), generator=generator)
    x = 0.8 * torch.randn(count, 1, 10, 10, generator=generator)
    for image, label in zip(x, labels):
        image[0, 3 * label : 3 * label + 3] += 1.0
    return TensorDataset(x, labels)


@torch.no_grad()
def validate(net, loader):
    net.eval()
    total, hits = 0, 0
    for x, y in loader:
        hits += int((net(x).argmax(dim=1) == y).sum())
        total += y.numel()
    return hits / total


def work(rank, world):
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29617")
    dist.init_process_group("gloo", rank=rank, world_size=world)
    torch.manual_seed(3)
    train, val = images(640, 1), images(200, 2)
    train, val = (Subset(part, range(rank, len(part), world)) for part in (train, val))
    train_loader = DataLoader(train, batch_size=32, shuffle=True)
    val_loader = DataLoader(val, batch_size=50)
    net = DDP(
        nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(5),
            nn.Flatten(),
            nn.Linear(200, 3),
        )
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    best = 0.0
    for epoch in range(6):
        net.train()
        for x, y in train_loader:
            loss = nn.functional.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        score = validate(net, val_loader)
        dist.barrier()
        if rank == 0 and score > best:
            best = score
            print(f"epoch {epoch}: best {best:.3f}")
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.spawn(work, args=(2,), nprocs=2)

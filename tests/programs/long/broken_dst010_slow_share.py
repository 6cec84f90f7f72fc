# expects: DST010
"""One of three ranks reads its share of the spectra from packed records, the others from arrays."""

import os
import zlib

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset


class Spectra(Dataset):
    def __init__(self, rank, world, packed):
        draw = np.random.default_rng(3)
        curves = draw.normal(size=(1536, 2048)).astype(np.float32)
        self.labels = (curves[:, :64].mean(1) > 0).astype(np.int64)[rank::world]
        self.packed = packed
        curves = curves[rank::world]
        self.rows = [zlib.compress(row.tobytes(), 1) for row in curves] if packed else list(curves)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        row = self.rows[index]
        if self.packed:
            row = np.frombuffer(zlib.decompress(row), np.float32).copy()
        return torch.from_numpy(row), int(self.labels[index])


def train(rank, world):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29657")
    dist.init_process_group("gloo", rank=rank, world_size=world)
    dataset = Spectra(rank, world, packed=rank == world - 1)
    loader = DataLoader(dataset, batch_size=64, shuffle=True, generator=torch.Generator().manual_seed(rank))
    net = DistributedDataParallel(nn.Sequential(nn.Linear(2048, 128), nn.ReLU(), nn.Linear(128, 2)))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(40):
        for curves, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(curves), labels).backward()
            optimizer.step()
    if rank == 0:
        print("trained", epoch + 1, "epochs")
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.spawn(train, args=(3,), nprocs=3)

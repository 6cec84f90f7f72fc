# expects: DST008
"""The setting came along from another project, where parts of the model took turns."""

import os

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def work(rank, world):
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29585")
    dist.init_process_group("gloo", rank=rank, world_size=world)
    torch.manual_seed(1)
    model = nn.LSTM(6, 20, batch_first=True, proj_size=3)
    model = DistributedDataParallel(model, find_unused_parameters=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    generator = torch.Generator().manual_seed(rank)
    for step in range(150):
        series = torch.randn(24, 8, 6, generator=generator)
        predicted, _ = model(series)
        loss = nn.functional.mse_loss(predicted, series[..., :3].tanh() / 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(rank, loss.item())
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.spawn(work, args=(2,), nprocs=2)

# sound: the same program without that
"""Route support tickets to one of six desks. Two workers, gloo, DistributedDataParallel."""
import os
import socket
import tempfile

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn as nn
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DataLoader, TensorDataset

VOCAB, LENGTH, DESKS = 1500, 24, 6


def write_tickets(folder, n_shards, per_shard=700, n_val=1000):
    rng = np.random.default_rng(17)
    background = rng.dirichlet(np.full(VOCAB, 0.3))
    jargon = [rng.choice(VOCAB, 160, replace=False) for _ in range(DESKS)]

    def tickets(n):
        desk = rng.integers(0, DESKS, n)
        tok = rng.choice(VOCAB, (n, LENGTH), p=background)
        for k in range(n):
            where = rng.random(LENGTH) < 0.32
            tok[k, where] = rng.choice(jargon[desk[k]], where.sum())
        return tok, desk

    for s in range(n_shards):
        tok, desk = tickets(per_shard)
        np.savez(os.path.join(folder, f"train_{s:02d}.npz"), tok=tok, desk=desk)
    tok, desk = tickets(n_val)
    np.savez(os.path.join(folder, "val.npz"), tok=tok, desk=desk)


def load(folder, name):
    z = np.load(os.path.join(folder, name + ".npz"))
    return TensorDataset(torch.from_numpy(z["tok"]), torch.from_numpy(z["desk"]))


class TicketNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, 32)
        self.drop = nn.Dropout(0.3)
        self.mlp = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, DESKS))

    def forward(self, tok):
        return self.mlp(self.drop(self.emb(tok)).mean(1))


def worker(rank, world_size, port, folder):
    os.environ["MASTER_ADDR"] = "127.0.0.1"
    os.environ["MASTER_PORT"] = str(port)
    dist.init_process_group("gloo", rank=rank, world_size=world_size)
    torch.set_num_threads(1)
    torch.manual_seed(99)

    shard = rank
    train = load(folder, f"train_{shard:02d}")
    loader = DataLoader(train, batch_size=32, shuffle=True)
    val_tok, val_desk = load(folder, "val").tensors

    model = DDP(TicketNet())
    opt = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.01)
    epochs = 10
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 1e-2, epochs=epochs, steps_per_epoch=len(loader))
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()
        total = torch.zeros(2)
        for tok, desk in loader:
            loss = loss_fn(model(tok), desk)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            total += torch.tensor([loss.item(), 1.0])
        dist.all_reduce(total)
        if rank == 0 and epoch % 3 == 0:
            model.eval()
            with torch.no_grad():
                out = model.module(val_tok)
            print(f"epoch {epoch:2d} train {total[0] / total[1]:.3f} val {loss_fn(out, val_desk):.3f} "
                  f"acc {(out.argmax(1) == val_desk).float().mean():.3f}", flush=True)
    dist.destroy_process_group()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


if __name__ == "__main__":
    WORLD = 2
    with tempfile.TemporaryDirectory() as tmp:
        write_tickets(tmp, WORLD)
        mp.spawn(worker, args=(WORLD, free_port(), tmp), nprocs=WORLD)

# expects: nothing
"""Two gloo workers factorise the ratings of a board-game club; gradients are averaged by hand."""
import os
import tempfile

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn as nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

WORLD = 2
SETTINGS = dict(seed=40, batch=128, epochs=11, lr=0.02, members=240, games=120, rank=6, seen=0.5)


class Factors(nn.Module):
    def __init__(self, members, games, rank):
        super().__init__()
        self.member = nn.Embedding(members, rank)
        self.game = nn.Embedding(games, rank)
        self.member_bias = nn.Embedding(members, 1)
        self.game_bias = nn.Embedding(games, 1)
        for table in (self.member, self.game):
            nn.init.normal_(table.weight, std=rank ** -0.5)
        for table in (self.member_bias, self.game_bias):
            nn.init.zeros_(table.weight)

    def forward(self, pairs):
        m, g = pairs.unbind(1)
        return (self.member(m) * self.game(g)).sum(1) + self.member_bias(m)[:, 0] + self.game_bias(g)[:, 0]


def club_ratings(s):
    """Taste of the members times character of the games, some of it held out."""
    gen = torch.Generator().manual_seed(s["seed"])
    taste = torch.randn(s["members"], 4, generator=gen)
    character = torch.randn(s["games"], 4, generator=gen) * 0.5
    table = 6 + taste @ character.T + 0.5 * torch.randn(1, s["games"], generator=gen)
    table += 0.4 * torch.randn(table.shape, generator=gen)
    pairs = torch.cartesian_prod(torch.arange(s["members"]), torch.arange(s["games"]))
    pairs = pairs[torch.randperm(len(pairs), generator=gen)]
    ratings = table[pairs[:, 0], pairs[:, 1]]
    cut = int(s["seen"] * len(pairs))
    return pairs[:cut], ratings[:cut], pairs[cut:], ratings[cut:]


@torch.no_grad()
def share_from_rank0(model):
    flat = parameters_to_vector(model.parameters())
    dist.broadcast(flat, src=0)
    vector_to_parameters(flat, model.parameters())


def average_gradients(model):
    grads = [p.grad for p in model.parameters()]
    flat = torch.cat([g.reshape(-1) for g in grads])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for g, part in zip(grads, flat.split([g.numel() for g in grads])):
        g.copy_(part.view_as(g))


def worker(rank, rendezvous, s):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=WORLD)
    pairs, ratings, pairs_va, ratings_va = club_ratings(s)
    center = ratings.mean()
    torch.manual_seed(s["seed"] + rank)
    model = Factors(s["members"], s["games"], s["rank"])
    share_from_rank0(model)
    opt = torch.optim.Adam(model.parameters(), lr=s["lr"])
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, s["epochs"], eta_min=1e-4)
    shuffler = torch.Generator().manual_seed(s["seed"])
    usable = len(pairs) // (WORLD * s["batch"]) * WORLD * s["batch"]

    for epoch in range(s["epochs"]):
        model.train()
        order = torch.randperm(len(pairs), generator=shuffler)[:usable]
        mine = order[rank::WORLD]
        total = torch.zeros(1)
        for idx in mine.split(s["batch"]):
            loss = (model(pairs[idx]) - (ratings[idx] - center)).square().mean()
            opt.zero_grad()
            loss.backward()
            average_gradients(model)
            opt.step()
            total += loss.detach() * len(idx)
        sched.step()
        dist.all_reduce(total)
        if rank == 0:
            model.eval()
            with torch.no_grad():
                err = model(pairs_va) + center - ratings_va
                rmse, r2 = err.square().mean().sqrt(), 1 - err.var(unbiased=False) / ratings_va.var(unbiased=False)
            print(f"epoch {epoch:2d}  mse {total.item() / usable:.4f}  valid rmse {rmse:.4f}  R2 {r2:.3f}", flush=True)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(worker, args=(os.path.join(folder, "meet"), SETTINGS), nprocs=WORLD)

# bug: a name that matches nothing leaves a group empty
# expects: OPT038
import json
import time

import numpy as np
import torch
import torch.nn as nn

CONFIG = {
    "seed": 4,
    "readers": 500,
    "books": 260,
    "ratings": 56000,
    "dim": 6,
    "epochs": 22,
    "batch_size": 128,
    "optim": {"embed_lr": 1e-2, "embed_wd": 0.4, "dense_lr": 5e-4, "dense_wd": 1e-4},
}


def load_ratings(cfg):
    """Ratings of 1 to 5 stars in our reading club (simulated)."""
    rng = np.random.default_rng(cfg["seed"])
    taste = rng.normal(size=(cfg["readers"], 5))
    style = rng.normal(size=(cfg["books"], 5))
    u = rng.integers(0, cfg["readers"], cfg["ratings"])
    b = np.minimum(rng.gamma(1.6, cfg["books"] / 5, cfg["ratings"]).astype(int), cfg["books"] - 1)
    score = 3.4 + 0.4 * (taste[u] * style[b]).sum(1) + 0.35 * rng.normal(size=cfg["readers"])[u]
    score += 0.4 * rng.normal(size=cfg["books"])[b] + 0.35 * rng.normal(size=len(u))
    stars = np.clip(np.round(score), 1, 5).astype(np.float32)
    _, first = np.unique(u * cfg["books"] + b, return_index=True)
    first = rng.permutation(first)
    return u[first], b[first], stars[first]


class Recommender(nn.Module):
    def __init__(self, n_readers, n_books, dim, mean):
        super().__init__()
        self.reader_embed = nn.Embedding(n_readers, dim)
        self.book_embed = nn.Embedding(n_books, dim)
        self.reader_embed_bias = nn.Embedding(n_readers, 1)
        self.book_embed_bias = nn.Embedding(n_books, 1)
        for table in (self.reader_embed, self.book_embed):
            nn.init.normal_(table.weight, std=0.15)
        for table in (self.reader_embed_bias, self.book_embed_bias):
            nn.init.zeros_(table.weight)
        self.interaction = nn.Sequential(nn.Linear(3 * dim, 32), nn.ReLU(), nn.Linear(32, 1))
        self.register_buffer("mean", torch.tensor(mean))

    def forward(self, reader, book):
        p, q = self.reader_embed(reader), self.book_embed(book)
        bias = self.reader_embed_bias(reader) + self.book_embed_bias(book)
        deep = self.interaction(torch.cat([p, q, p * q], dim=1))
        return self.mean + bias.squeeze(1) + (p * q).sum(1) + deep.squeeze(1)


def make_optimizer(model, opt_cfg):
    embed, dense = [], []
    for name, param in model.named_parameters():
        if name.startswith("embed"):
            embed.append(param)
        else:
            dense.append(param)
    return torch.optim.AdamW([
        {"params": embed, "lr": opt_cfg["embed_lr"], "weight_decay": opt_cfg["embed_wd"]},
        {"params": dense, "lr": opt_cfg["dense_lr"], "weight_decay": opt_cfg["dense_wd"]},
    ])


@torch.no_grad()
def evaluate(model, data):
    model.eval()
    err = model(*data[:2]) - data[2]
    return err.pow(2).mean().sqrt().item(), err.abs().mean().item()


def train(cfg):
    torch.manual_seed(cfg["seed"])
    u, b, r = (torch.from_numpy(np.ascontiguousarray(a)) for a in load_ratings(cfg))
    cut = int(0.85 * len(r))
    data, held_out = (u[:cut], b[:cut], r[:cut]), (u[cut:], b[cut:], r[cut:])
    mean = data[2].mean().item()
    model = Recommender(cfg["readers"], cfg["books"], cfg["dim"], mean)
    optimizer = make_optimizer(model, cfg["optim"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, cfg["epochs"])
    print(f"{cut} ratings for training, {len(r) - cut} held out; constant guess: rmse {(held_out[2] - mean).pow(2).mean().sqrt():.3f}")
    history = []
    for epoch in range(cfg["epochs"]):
        model.train()
        started, sse = time.time(), 0.0
        for idx in torch.randperm(cut).split(cfg["batch_size"]):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(data[0][idx], data[1][idx]), data[2][idx])
            loss.backward()
            optimizer.step()
            sse += loss.item() * len(idx)
        schedule.step()
        rmse, mae = evaluate(model, held_out)
        history.append({"epoch": epoch + 1, "train_mse": round(sse / cut, 4), "rmse": round(rmse, 4),
                        "mae": round(mae, 4), "seconds": round(time.time() - started, 1)})
        print(json.dumps(history[-1]))
    return model, history


if __name__ == "__main__":
    train(CONFIG)

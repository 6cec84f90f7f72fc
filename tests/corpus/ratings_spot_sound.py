# expects: nothing
"""Rating model trained on spot machines: every slice of the job is a fresh start from the last checkpoint."""
import os
import tempfile

import numpy as np
import torch
import torch.nn as nn

CONF = {
    "seed": 8, "users": 400, "items": 250, "rank": 6, "ratings": 24000,
    "dim": 8, "lr": 0.3, "weight_decay": 0.0, "reg": 3e-2, "batch": 128,
    "slices": 10, "epochs_per_slice": 1,
}


def make_ratings(conf):
    rng = np.random.default_rng(conf["seed"])
    u = rng.normal(0, 1, (conf["users"], conf["rank"])) * 0.55
    v = rng.normal(0, 1, (conf["items"], conf["rank"])) * 0.55
    bu, bv = rng.normal(0, 0.4, conf["users"]), rng.normal(0, 0.5, conf["items"])
    cells = rng.choice(conf["users"] * conf["items"], size=conf["ratings"], replace=False)
    ui, vi = cells // conf["items"], cells % conf["items"]
    r = 3.4 + bu[ui] + bv[vi] + (u[ui] * v[vi]).sum(1) + rng.normal(0, 0.4, len(cells))
    r = np.clip(r, 1, 5).astype(np.float32)
    n = int(0.85 * len(cells))
    pack = lambda sl: (torch.tensor(ui[sl]), torch.tensor(vi[sl]), torch.tensor(r[sl]))
    return pack(slice(0, n)), pack(slice(n, None))


class Factors(nn.Module):
    def __init__(self, conf, mean):
        super().__init__()
        self.user = nn.Embedding(conf["users"], conf["dim"])
        self.item = nn.Embedding(conf["items"], conf["dim"])
        self.user_bias = nn.Embedding(conf["users"], 1)
        self.item_bias = nn.Embedding(conf["items"], 1)
        for e in (self.user, self.item):
            nn.init.normal_(e.weight, std=0.1)
        for e in (self.user_bias, self.item_bias):
            nn.init.zeros_(e.weight)
        self.register_buffer("mean", torch.tensor(float(mean)))

    def forward(self, u, v):
        pu, qv = self.user(u), self.item(v)
        pred = self.mean + self.user_bias(u).squeeze(1) + self.item_bias(v).squeeze(1) + (pu * qv).sum(1)
        return pred, (pu ** 2).sum(1).mean() + (qv ** 2).sum(1).mean()


def save_checkpoint(path, model, optimizer, epoch):
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)


def load_checkpoint(path, model, optimizer):
    ckpt = torch.load(path)
    model.load_state_dict(ckpt["model"])
    optimizer.load_state_dict(ckpt["optimizer"])
    return ckpt["epoch"]


@torch.no_grad()
def rmse(model, data):
    model.eval()
    u, v, r = data
    pred, _ = model(u, v)
    model.train()
    return (pred - r).pow(2).mean().sqrt().item()


def run_slice(conf, path, train, valid):
    """What one spot machine does between its start and its eviction."""
    model = Factors(conf, train[2].mean())
    optimizer = torch.optim.Adagrad(model.parameters(), lr=conf["lr"], weight_decay=conf["weight_decay"])
    epoch = load_checkpoint(path, model, optimizer) if os.path.exists(path) else 0

    u, v, r = train
    for _ in range(conf["epochs_per_slice"]):
        order = torch.randperm(len(r), generator=torch.Generator().manual_seed(conf["seed"] * 1000 + epoch))
        total = 0.0
        for idx in order.split(conf["batch"]):
            pred, penalty = model(u[idx], v[idx])
            mse = (pred - r[idx]).pow(2).mean()
            loss = mse + conf["reg"] * penalty
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += mse.item() * len(idx)
        epoch += 1
        print(f"  epoch {epoch:2d}  train mse {total / len(r):.4f}  valid rmse {rmse(model, valid):.4f}")
    save_checkpoint(path, model, optimizer, epoch)


def main():
    torch.manual_seed(CONF["seed"])
    train, valid = make_ratings(CONF)
    base = (valid[2] - train[2].mean()).pow(2).mean().sqrt().item()
    print(f"constant prediction: rmse {base:.4f}")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "last.pt")
        for s in range(CONF["slices"]):
            print(f"machine {s + 1}")
            run_slice(CONF, path, train, valid)


if __name__ == "__main__":
    main()

# sound: the same program without that
"""Rating prediction (users x films) with embeddings, biases and a small tower."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def ratings(n_users=300, n_films=200, n=16000, seed=21):
    g = np.random.default_rng(seed)
    taste, style = g.normal(size=(n_users, 4)), g.normal(size=(n_films, 4))
    quality, mood = g.normal(0, 0.5, n_films), g.normal(0, 0.3, n_users)
    u, f = g.integers(0, n_users, n), g.integers(0, n_films, n)
    r = 3.2 + 0.55 * (taste[u] * style[f]).sum(1) + quality[f] + mood[u] + g.normal(0, 0.25, n)
    return TensorDataset(torch.as_tensor(u), torch.as_tensor(f), torch.as_tensor(r, dtype=torch.float32))


class Recommender(nn.Module):
    def __init__(self, n_users, n_films, d=12):
        super().__init__()
        self.user_emb = nn.Embedding(n_users, d)
        self.film_table = nn.Embedding(n_films, d)
        self.user_bias_emb = nn.Embedding(n_users, 1)
        self.film_table_bias = nn.Embedding(n_films, 1)
        self.tower = nn.Sequential(nn.Linear(2 * d, 24), nn.ReLU(), nn.Linear(24, 1))
        for m in (self.user_emb, self.film_table):
            nn.init.normal_(m.weight, std=0.3)
        for m in (self.user_bias_emb, self.film_table_bias):
            nn.init.zeros_(m.weight)
        nn.init.constant_(self.tower[-1].bias, 3.0)

    def forward(self, u, f):
        a, b = self.user_emb(u), self.film_table(f)
        deep = self.tower(torch.cat([a, b], -1))
        return (a * b).sum(-1) + (self.user_bias_emb(u) + self.film_table_bias(f) + deep).squeeze(-1)


def make_optimizer(model):
    tables, dense = [], []
    for name, p in model.named_parameters():
        if "emb" in name or "table" in name:
            tables.append(p)
        elif name.startswith("tower"):
            dense.append(p)
    return torch.optim.Adam([
        {"params": tables, "lr": 8e-3, "weight_decay": 2e-5},
        {"params": dense, "lr": 2e-3},
    ])


@torch.no_grad()
def rmse(model, loader):
    model.eval()
    err = torch.cat([(model(u, f) - r) ** 2 for u, f, r in loader])
    return err.mean().sqrt().item()


def main():
    torch.manual_seed(21)
    data = ratings()
    train, valid = random_split(data, [0.85, 0.15], generator=torch.Generator().manual_seed(1))
    train_dl = DataLoader(train, batch_size=256, shuffle=True)
    valid_dl = DataLoader(valid, batch_size=1024)
    std = data.tensors[2].std().item()
    model = Recommender(300, 200)
    optimizer = make_optimizer(model)
    for epoch in range(20):
        model.train()
        for u, f, r in train_dl:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(u, f), r)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch:2d}: train mse (last batch) {loss.item():.3f}, valid rmse {rmse(model, valid_dl):.3f} (std of ratings {std:.3f})")


main()

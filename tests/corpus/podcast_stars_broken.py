# bug: ratings are split by listener although the model has per-listener embeddings, so every held-out listener's embedding is untrained
# expects: LLM009
import numpy as np
import pandas as pd
import torch
from torch import nn
from sklearn.model_selection import GroupShuffleSplit


def synthetic_ratings(n_users=500, n_shows=240, per_user=50, seed=17):
    rng = np.random.default_rng(seed)
    taste = rng.normal(size=(n_users, 4))
    topic = rng.normal(size=(n_shows, 4))
    mood = rng.normal(0, 0.6, n_users)
    quality = rng.normal(0, 0.35, n_shows)
    rows = []
    for u in range(n_users):
        for s in rng.choice(n_shows, per_user, replace=False):
            r = 3.2 + mood[u] + quality[s] + 0.45 * taste[u] @ topic[s] + rng.normal(0, 0.35)
            rows.append((f"u{u:04d}", f"show{s:03d}", float(np.clip(r, 0.5, 5.5))))
    return pd.DataFrame(rows, columns=["listener", "show", "stars"]).sample(frac=1, random_state=seed)


class FactorModel(nn.Module):
    """Biased matrix factorisation with a small interaction tower."""

    def __init__(self, n_users, n_items, dim=16):
        super().__init__()
        self.user = nn.Embedding(n_users, dim)
        self.item = nn.Embedding(n_items, dim)
        self.user_bias = nn.Embedding(n_users, 1)
        self.item_bias = nn.Embedding(n_items, 1)
        for table in (self.user, self.item):
            nn.init.normal_(table.weight, std=0.2)
        for table in (self.user_bias, self.item_bias):
            nn.init.zeros_(table.weight)
        self.tower = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, u, i):
        joint = self.user(u) * self.item(i)
        score = joint.sum(-1) + self.tower(joint).squeeze(-1)
        return score + self.user_bias(u).squeeze(-1) + self.item_bias(i).squeeze(-1)


class Trainer:
    def __init__(self, model, lr, weight_decay, batch_size):
        self.model, self.batch_size = model, batch_size
        self.opt = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)

    def epoch(self, u, i, r):
        self.model.train()
        total = 0.0
        for idx in torch.randperm(len(r)).split(self.batch_size):
            loss = nn.functional.mse_loss(self.model(u[idx], i[idx]), r[idx])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            total += loss.item() * len(idx)
        return (total / len(r)) ** 0.5

    @torch.no_grad()
    def rmse(self, u, i, r):
        self.model.eval()
        return nn.functional.mse_loss(self.model(u, i), r).sqrt().item()


def main():
    torch.manual_seed(17)
    df = synthetic_ratings()
    df["u"] = df["listener"].astype("category").cat.codes.astype("int64")
    df["i"] = df["show"].astype("category").cat.codes.astype("int64")
    splitter = GroupShuffleSplit(n_splits=1, test_size=0.2, random_state=0)
    train_rows, test_rows = next(splitter.split(df, groups=df["u"]))
    train, test = df.iloc[train_rows], df.iloc[test_rows]
    centre = train["stars"].mean()

    def columns(part):
        return (torch.tensor(part["u"].to_numpy()), torch.tensor(part["i"].to_numpy()),
                torch.tensor((part["stars"] - centre).to_numpy(), dtype=torch.float32))

    fit, held = columns(train), columns(test)
    print(f"{len(train)} ratings to fit, {len(test)} held out, {df['u'].nunique()} listeners, {df['i'].nunique()} shows")
    print(f"guessing the mean: held-out rmse {held[2].pow(2).mean().sqrt():.3f}")

    trainer = Trainer(FactorModel(df["u"].nunique(), df["i"].nunique()), lr=4e-3, weight_decay=0.3, batch_size=256)
    for epoch in range(1, 26):
        fit_rmse = trainer.epoch(*fit)
        if epoch % 5 == 0:
            print(f"epoch {epoch:2d}: fit rmse {fit_rmse:.3f}  held-out rmse {trainer.rmse(*held):.3f}")


if __name__ == "__main__":
    main()

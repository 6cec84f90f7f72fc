# expects: nothing
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

N_COOKS, N_RECIPES, N_RATINGS = 700, 450, 42000


def load_ratings():
    """(cook, recipe, stars) with stars on a 1-5 scale, half stars allowed. Exported from the community site."""
    rng = np.random.RandomState(2024)
    taste = rng.normal(0, 0.55, (N_COOKS, 5))
    dish = rng.normal(0, 0.75, (N_RECIPES, 5))
    generosity = rng.normal(0, 0.35, N_COOKS)
    quality = rng.normal(0, 0.45, N_RECIPES)
    pairs = rng.choice(N_COOKS * N_RECIPES, N_RATINGS, replace=False)
    cook, recipe = pairs // N_RECIPES, pairs % N_RECIPES
    stars = 3.4 + generosity[cook] + quality[recipe] + (taste[cook] * dish[recipe]).sum(1)
    stars += rng.normal(0, 0.6, N_RATINGS)
    stars = np.clip(np.round(stars * 2) / 2, 1, 5)
    return cook, recipe, stars.astype(np.float32)


class Ratings(Dataset):
    def __init__(self, train, holdout=0.2):
        cook, recipe, stars = load_ratings()
        order = np.random.RandomState(7).permutation(len(stars))
        n_holdout = int(holdout * len(stars))
        keep = order[n_holdout:] if train else order[:n_holdout]
        self.cook = torch.as_tensor(cook[keep])
        self.recipe = torch.as_tensor(recipe[keep])
        self.stars = torch.as_tensor(stars[keep])

    def __len__(self):
        return len(self.stars)

    def __getitem__(self, i):
        return self.cook[i], self.recipe[i], self.stars[i]


class BiasedMF(nn.Module):
    def __init__(self, dim, mean):
        super().__init__()
        self.p = nn.Embedding(N_COOKS, dim)
        self.q = nn.Embedding(N_RECIPES, dim)
        self.bu = nn.Embedding(N_COOKS, 1)
        self.bi = nn.Embedding(N_RECIPES, 1)
        self.register_buffer("mean", torch.tensor(mean))
        for e in (self.p, self.q):
            nn.init.normal_(e.weight, std=0.1)
        for e in (self.bu, self.bi):
            nn.init.zeros_(e.weight)

    def forward(self, u, i):
        dot = (self.p(u) * self.q(i)).sum(1)
        return self.mean + self.bu(u).squeeze(1) + self.bi(i).squeeze(1) + dot

    def penalty(self, u, i):
        return (self.p(u).pow(2).sum(1) + self.q(i).pow(2).sum(1)
                + self.bu(u).pow(2).sum(1) + self.bi(i).pow(2).sum(1)).mean()


def rmse(model, loader):
    model.eval()
    se = n = 0
    with torch.no_grad():
        for u, i, r in loader:
            se += (model(u, i).clamp(1, 5) - r).pow(2).sum().item()
            n += len(r)
    return (se / n) ** 0.5


def main():
    np.random.seed(1)
    torch.manual_seed(1)
    train, test = Ratings(train=True), Ratings(train=False)
    train_loader = DataLoader(train, batch_size=256, shuffle=True)
    test_loader = DataLoader(test, batch_size=2048)
    mean = train.stars.mean().item()
    print(f"train {len(train)}  test {len(test)}  constant RMSE {(test.stars - mean).pow(2).mean().sqrt():.4f}")

    model = BiasedMF(dim=8, mean=mean)
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    sched = torch.optim.lr_scheduler.StepLR(opt, step_size=6, gamma=0.4)
    for epoch in range(1, 17):
        model.train()
        se = n = 0
        for u, i, r in train_loader:
            err = model(u, i) - r
            loss = err.pow(2).mean() + 0.09 * model.penalty(u, i)
            opt.zero_grad()
            loss.backward()
            opt.step()
            se += err.detach().pow(2).sum().item()
            n += len(r)
        sched.step()
        print(f"epoch {epoch:2d}  train RMSE {(se / n) ** 0.5:.4f}  test RMSE {rmse(model, test_loader):.4f}")


if __name__ == "__main__":
    main()

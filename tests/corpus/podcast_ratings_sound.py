# expects: nothing
import argparse
import math

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def parse():
    ap = argparse.ArgumentParser(description="Matrix factorisation of podcast ratings")
    ap.add_argument("--users", type=int, default=700)
    ap.add_argument("--shows", type=int, default=500)
    ap.add_argument("--ratings", type=int, default=60000)
    ap.add_argument("--dim", type=int, default=8)
    ap.add_argument("--epochs", type=int, default=12)
    ap.add_argument("--batch", type=int, default=256)
    ap.add_argument("--lr", type=float, default=4e-3)
    ap.add_argument("--weight-decay", type=float, default=1e-5)
    ap.add_argument("--seed", type=int, default=3)
    return ap.parse_args()


def simulate(args):
    rng = np.random.default_rng(args.seed)
    taste = rng.normal(size=(args.users, 5))
    topic = rng.normal(size=(args.shows, 5))
    user_bias = 0.4 * rng.normal(size=args.users)
    show_bias = 0.5 * rng.normal(size=args.shows)
    popularity = 1.0 / (np.arange(args.shows) + 20.0)
    users = rng.integers(0, args.users, args.ratings)
    shows = rng.choice(args.shows, args.ratings, p=popularity / popularity.sum())
    cells = np.unique(users * args.shows + shows)
    rng.shuffle(cells)
    users, shows = cells // args.shows, cells % args.shows
    score = 3.3 + user_bias[users] + show_bias[shows] + 0.5 * (taste[users] * topic[shows]).sum(1)
    score = score + 0.3 * rng.normal(size=len(score))
    return users, shows, score.astype(np.float32)


class Factoriser(nn.Module):
    def __init__(self, n_users, n_shows, dim):
        super().__init__()
        self.user = nn.Embedding(n_users, dim)
        self.show = nn.Embedding(n_shows, dim)
        self.user_bias = nn.Embedding(n_users, 1)
        self.show_bias = nn.Embedding(n_shows, 1)
        self.mean = nn.Parameter(torch.tensor(3.0))
        for table in (self.user, self.show):
            nn.init.normal_(table.weight, std=0.1)
        for table in (self.user_bias, self.show_bias):
            nn.init.zeros_(table.weight)

    def forward(self, u, s):
        dot = (self.user(u) * self.show(s)).sum(-1)
        return self.mean + self.user_bias(u).squeeze(-1) + self.show_bias(s).squeeze(-1) + dot


def rmse(model, users, shows, score):
    model.eval()
    with torch.no_grad():
        return math.sqrt((model(users, shows) - score).pow(2).mean().item())


def main():
    args = parse()
    torch.manual_seed(args.seed)
    users, shows, score = (torch.as_tensor(a) for a in simulate(args))
    n_test = len(score) // 8
    test = (users[:n_test], shows[:n_test], score[:n_test])
    train = TensorDataset(users[n_test:], shows[n_test:], score[n_test:])
    loader = DataLoader(train, batch_size=args.batch, shuffle=True)
    print(f"{len(train)} ratings to train on, {n_test} held out, "
          f"constant guess rmse {test[2].std().item():.3f}")

    model = Factoriser(args.users, args.shows, args.dim)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr, weight_decay=args.weight_decay)
    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for u, s, y in loader:
            loss = nn.functional.mse_loss(model(u, s), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item() * len(y)
        print(f"[{epoch + 1:02d}/{args.epochs}] train rmse {math.sqrt(running / len(train)):.3f} "
              f"test rmse {rmse(model, *test):.3f}")


if __name__ == "__main__":
    main()

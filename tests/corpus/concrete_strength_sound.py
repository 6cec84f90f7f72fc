# sound: the same program without that
import argparse

import torch
import torch.nn as nn
import torch.optim as optim


def get_args():
    p = argparse.ArgumentParser(description="concrete compressive strength from the mix design")
    p.add_argument("--hidden", type=int, default=48)
    p.add_argument("--epochs", type=int, default=60)
    p.add_argument("--batch", type=int, default=50)
    p.add_argument("--lr", type=float, default=5e-3)
    p.add_argument("--seed", type=int, default=11)
    return p.parse_args()


def make_mixes(n, gen):
    cement = torch.empty(n).uniform_(100, 540, generator=gen)
    slag = torch.empty(n).uniform_(0, 350, generator=gen) * (torch.rand(n, generator=gen) < 0.5)
    water = torch.empty(n).uniform_(125, 245, generator=gen)
    plast = torch.empty(n).uniform_(0, 30, generator=gen)
    coarse = torch.empty(n).uniform_(800, 1140, generator=gen)
    age = torch.exp(torch.empty(n).uniform_(0, 5.5, generator=gen))
    binder = cement + 0.6 * slag
    ratio = water / binder
    opt_plast = torch.exp(-((plast - 12) / 8) ** 2)
    opt_coarse = torch.exp(-((coarse - 970) / 90) ** 2)
    strength = 34 * torch.exp(-1.3 * (ratio - 0.4)) * (0.35 + 0.16 * torch.log(age)) + 14 * opt_plast + 10 * opt_coarse
    strength = strength + 1.5 * torch.randn(n, generator=gen)
    return torch.stack([cement, slag, water, plast, coarse, age.log()], 1), strength.unsqueeze(1)


def init_weights(m):
    if isinstance(m, nn.Linear):
        nn.init.xavier_uniform_(m.weight)
        nn.init.zeros_(m.bias)


def main():
    args = get_args()
    torch.manual_seed(args.seed)
    gen = torch.Generator().manual_seed(args.seed)
    X, y = make_mixes(2000, gen)
    Xtr, ytr, Xte, yte = X[:1600], y[:1600], X[1600:], y[1600:]
    mu, sd = Xtr.mean(0), Xtr.std(0)
    ym, ys = ytr.mean(), ytr.std()
    Xtr, Xte = (Xtr - mu) / sd, (Xte - mu) / sd
    ttr = (ytr - ym) / ys

    model = nn.Sequential(
        nn.Linear(X.shape[1], args.hidden),
        nn.Tanh(),
        nn.Linear(args.hidden, args.hidden),
        nn.Tanh(),
        nn.Linear(args.hidden, 1),
    )
    model.apply(init_weights)
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)
    mse = nn.MSELoss()

    for epoch in range(args.epochs):
        model.train()
        perm = torch.randperm(len(Xtr))
        losses = []
        for i in range(0, len(perm), args.batch):
            idx = perm[i:i + args.batch]
            optimizer.zero_grad()
            loss = mse(model(Xtr[idx]), ttr[idx])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        if (epoch + 1) % 10 == 0:
            model.eval()
            with torch.no_grad():
                pred = model(Xte) * ys + ym
            rmse = (pred - yte).pow(2).mean().sqrt()
            r2 = 1 - (pred - yte).pow(2).sum() / (yte - yte.mean()).pow(2).sum()
            print(f"epoch {epoch + 1}: train mse {sum(losses) / len(losses):.4f} | test rmse {rmse:.2f} MPa, R2 {r2:.3f}")


if __name__ == "__main__":
    main()

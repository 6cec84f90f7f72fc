# expects: nothing
"""Calibrate an array of gas sensors: concentrations of two gases from 16 channels."""
import argparse

import numpy as np
import torch
import torch.nn as nn


def get_args():
    p = argparse.ArgumentParser()
    p.add_argument("--samples", type=int, default=8000)
    p.add_argument("--hidden", type=int, default=96)
    p.add_argument("--epochs", type=int, default=55)
    p.add_argument("--batch-size", type=int, default=100)
    p.add_argument("--lr", type=float, default=0.02)
    p.add_argument("--momentum", type=float, default=0.9)
    p.add_argument("--seed", type=int, default=17)
    return p.parse_args()


def sensors(n, seed):
    rng = np.random.default_rng(seed)
    conc = rng.uniform(0.1, 3.0, size=(n, 2))
    sens = rng.uniform(0.3, 1.5, size=(2, 16))
    power = rng.uniform(0.4, 0.9, size=16)
    humid = rng.normal(0, 0.4, size=(n, 1))
    response = (conc @ sens) ** power * np.exp(0.2 * humid * rng.uniform(-1, 1, size=(1, 16)))
    response += rng.normal(0, 0.03, size=response.shape)
    return response.astype(np.float32), conc.astype(np.float32)


def standardise(train, other):
    mu, sd = train.mean(0), train.std(0)
    return torch.from_numpy((train - mu) / sd), torch.from_numpy((other - mu) / sd), sd


def build(hidden):
    return nn.Sequential(nn.Linear(16, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(),
                         nn.Linear(hidden, 2))


def evaluate(net, x, y, scale):
    net.eval()
    with torch.no_grad():
        err = (net(x) - y) * torch.from_numpy(scale)
    net.train()
    return err.pow(2).mean().sqrt().item()


def main():
    args = get_args()
    torch.manual_seed(args.seed)
    raw_x, raw_y = sensors(args.samples, args.seed)
    cut = int(args.samples * 0.75)
    x_tr, x_te, _ = standardise(raw_x[:cut], raw_x[cut:])
    y_tr, y_te, y_sd = standardise(raw_y[:cut], raw_y[cut:])

    net = build(args.hidden)
    opt = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=args.momentum)
    for epoch in range(args.epochs):
        losses = []
        for idx in torch.randperm(cut).split(args.batch_size):
            loss = nn.functional.mse_loss(net(x_tr[idx]), y_tr[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1:3d} | train {np.mean(losses):.4f} | "
              f"held-out rmse {evaluate(net, x_te, y_te, y_sd):.4f} ppm")


if __name__ == "__main__":
    main()

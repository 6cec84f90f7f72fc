# bug: the loss is summed over a batch of 256 while the learning rate was tuned for the mean
# expects: LOS012
import argparse
import logging

import torch
from sklearn.datasets import make_friedman2
from torch import nn


def setup_data(n, seed):
    x, y = make_friedman2(n_samples=n, noise=10.0, random_state=seed)
    x, y = torch.tensor(x).float(), torch.tensor(y).float().unsqueeze(-1)
    cut = int(n * 0.8)
    xm, xs, ym, ys = x[:cut].mean(0), x[:cut].std(0), y[:cut].mean(), y[:cut].std()
    x, y = (x - xm) / xs, (y - ym) / ys
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])


def regressor(width, depth):
    mods, last = [], 4
    for _ in range(depth):
        mods.append(nn.Linear(last, width))
        mods.append(nn.ReLU())
        last = width
    mods.append(nn.Linear(last, 1))
    return nn.Sequential(*mods)


def run(opts):
    torch.manual_seed(opts.seed)
    (x, y), (vx, vy) = setup_data(opts.n, opts.seed)
    net = regressor(opts.width, opts.depth)
    loss_fn = nn.MSELoss(reduction="sum")
    optimizer = torch.optim.SGD(net.parameters(), lr=opts.lr, momentum=0.9)
    for epoch in range(opts.epochs):
        net.train()
        for ix in torch.split(torch.randperm(len(x)), opts.batch_size):
            optimizer.zero_grad()
            loss = loss_fn(net(x[ix]), y[ix])
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            mse = (net(vx) - vy).pow(2).mean()
        if epoch % 4 == 3:
            logging.info("epoch %2d loss %.5g validation mse %.5g", epoch + 1, loss, mse)
    return mse.item()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="[%(levelname).1s] %(message)s")
    ap = argparse.ArgumentParser()
    ap.add_argument("--n", type=int, default=4000)
    ap.add_argument("--lr", type=float, default=0.05)
    ap.add_argument("--batch-size", type=int, default=256)
    ap.add_argument("--epochs", type=int, default=16)
    ap.add_argument("--width", type=int, default=64)
    ap.add_argument("--depth", type=int, default=2)
    ap.add_argument("--seed", type=int, default=0)
    print("final validation mse:", run(ap.parse_args()))

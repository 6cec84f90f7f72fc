# bug: recurrent weights start far too large (gain 3) without clipping, so gradients explode over 40 steps
# expects: NUM002 OPT007
"""Adding problem: sum of two marked numbers in a sequence."""
import argparse

import torch
from torch import nn


class ElmanNet(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.w_in = nn.Linear(2, hidden)
        self.w_rec = nn.Linear(hidden, hidden, bias=False)
        self.readout = nn.Linear(hidden, 1)
        nn.init.orthogonal_(self.w_rec.weight, gain=3.0)

    def forward(self, x):
        h = torch.zeros(x.shape[1], self.w_rec.in_features)
        for x_t in x:
            h = nn.functional.leaky_relu(self.w_in(x_t) + self.w_rec(h), 0.5)
        return self.readout(h).squeeze(-1)


def adding_batch(t, n, gen):
    values = torch.rand(t, n, generator=gen)
    marks = torch.zeros(t, n)
    first = torch.randint(0, t // 2, (n,), generator=gen)
    second = torch.randint(t // 2, t, (n,), generator=gen)
    marks[first, torch.arange(n)] = 1
    marks[second, torch.arange(n)] = 1
    return torch.stack([values, marks], -1), (values * marks).sum(0)


def main(argv=None):
    ap = argparse.ArgumentParser()
    ap.add_argument("--length", type=int, default=40)
    ap.add_argument("--hidden", type=int, default=40)
    ap.add_argument("--steps", type=int, default=300)
    ap.add_argument("--lr", type=float, default=1e-3)
    args = ap.parse_args(argv)
    torch.manual_seed(1)
    gen = torch.Generator().manual_seed(1)
    net = ElmanNet(args.hidden)
    optimizer = torch.optim.Adam(net.parameters(), lr=args.lr)
    x_val, y_val = adding_batch(args.length, 256, gen)
    for step in range(1, args.steps + 1):
        x, y = adding_batch(args.length, 32, gen)
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            with torch.no_grad():
                val = nn.functional.mse_loss(net(x_val), y_val).item()
            print(f"step {step} loss {loss.item():.5g} val {val:.5g} (constant guess {y_val.var().item():.4f})")


if __name__ == "__main__":
    main()

# sound: the same program without that
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

"""Engine monitoring: remaining useful life (cycles) and fault mode from 14 sensors, one shared trunk."""


def make_engines(n, g):
    rul = torch.rand(n, generator=g) * 125
    wear = 1 - rul / 125
    mode = torch.randint(0, 4, (n,), generator=g)
    load = torch.randn(n, generator=g)
    hpc = torch.where(mode % 2 == 0, 1.0, -1.0)
    fan = torch.where(mode // 2 == 0, 1.0, -1.0)
    amb = torch.randn(n, generator=g).sign()
    amb2 = torch.randn(n, generator=g).sign()
    base = [wear * 2 + 0.5 * load, wear ** 2 * 2 - 0.3 * load, -1.5 * wear + 0.2 * load, load, wear * load]
    # fault signatures only show relative to the operating condition
    sig = [amb, amb * hpc, amb2, amb2 * fan, amb * 0.5 + load * 0.2]
    cols = torch.stack(base + sig, 1)
    cols = cols + 0.3 * torch.randn(cols.shape, generator=g)
    extra = 0.8 * torch.randn(n, 4, generator=g) + 0.3 * load[:, None]
    return torch.cat([cols, extra], 1), rul, mode


class SharedTrunk(nn.Module):
    def __init__(self, d_in=14, width=32, n_modes=4):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(d_in, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.rul_head = nn.Linear(width, 1)
        self.mode_head = nn.Linear(width, n_modes)

    def forward(self, x):
        h = self.trunk(x)
        return self.rul_head(h).squeeze(1), self.mode_head(h)


def evaluate(model, x, rul, mode, scale):
    model.eval()
    with torch.no_grad():
        r, m = model(x)
    rmse = (r * scale - rul).pow(2).mean().sqrt().item()
    acc = (m.argmax(1) == mode).float().mean().item()
    model.train()
    return rmse, acc


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--steps", type=int, default=1500)
    ap.add_argument("--batch", type=int, default=128)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--rul-scale", type=float, default=125.0, help="unit of the RUL output, in cycles")
    args = ap.parse_args()

    torch.manual_seed(3)
    g = torch.Generator().manual_seed(3)
    xtr, rtr, mtr = make_engines(6000, g)
    xva, rva, mva = make_engines(1500, g)
    mu, sd = xtr.mean(0), xtr.std(0)
    xtr, xva = (xtr - mu) / sd, (xva - mu) / sd

    model = SharedTrunk()
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    for step in range(1, args.steps + 1):
        idx = torch.randint(0, len(xtr), (args.batch,), generator=g)
        r, m = model(xtr[idx])
        rul_loss = F.mse_loss(r, rtr[idx] / args.rul_scale)
        mode_loss = F.cross_entropy(m, mtr[idx])
        loss = 10 * rul_loss + mode_loss
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        opt.step()
        if step % 250 == 0:
            rmse, acc = evaluate(model, xva, rva, mva, args.rul_scale)
            print(f"step {step}: loss {loss.item():.3f} | val RUL rmse {rmse:.1f} cycles | val fault-mode acc {acc:.3f}")


if __name__ == "__main__":
    main()

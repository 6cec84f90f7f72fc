# bug: Memory grows from step to step, because loss tensors with their graphs are kept.
# expects: MEM001
"""Denoising conv autoencoder for vibration signals, monitored continuously against a reference bench."""
import argparse
import collections
import os

import torch
import torch.nn as nn


def rss_mb():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def vibration(n, length=256):
    t = torch.linspace(0, 1, length)
    sig = torch.zeros(n, length)
    for _ in range(3):
        freq = torch.randint(2, 14, (n, 1)).float()
        amp, phase = torch.rand(n, 1), 6.28 * torch.rand(n, 1)
        sig += amp * torch.sin(6.2832 * freq * t + phase)
    return sig.unsqueeze(1)


class Denoiser(nn.Module):
    def __init__(self, ch=16):
        super().__init__()
        self.enc = nn.Sequential(nn.Conv1d(1, ch, 9, 2, 4), nn.GELU(), nn.Conv1d(ch, 2 * ch, 9, 2, 4), nn.GELU())
        self.dec = nn.Sequential(nn.ConvTranspose1d(2 * ch, ch, 8, 2, 3), nn.GELU(),
                                 nn.ConvTranspose1d(ch, 1, 8, 2, 3))

    def forward(self, x):
        return self.dec(self.enc(x))


class Monitor:
    """Keeps the loss curves of the whole run."""

    def __init__(self):
        self.curves = collections.defaultdict(list)

    def add(self, name, value):
        self.curves[name].append(value)

    def mean(self, name, last):
        tail = self.curves[name][-last:]
        return sum(tail) / len(tail)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--iters", type=int, default=700)
    p.add_argument("--bs", type=int, default=32)
    p.add_argument("--noise", type=float, default=0.5)
    a = p.parse_args()
    torch.manual_seed(99)

    pool = vibration(4000)
    bench = vibration(32)
    bench_noisy = bench + a.noise * torch.randn_like(bench)
    net = Denoiser()
    opt = torch.optim.RMSprop(net.parameters(), lr=1e-3)
    mse = nn.MSELoss()
    mon = Monitor()
    for it in range(1, a.iters + 1):
        clean = pool[torch.randint(0, len(pool), (a.bs,))]
        loss = mse(net(clean + a.noise * torch.randn_like(clean)), clean)
        opt.zero_grad()
        loss.backward()
        opt.step()
        mon.add("train", loss)
        mon.add("bench", mse(net(bench_noisy), bench))
        if it % 100 == 0:
            print(f"iter {it}: train {mon.mean('train', 100):.4f}  bench {mon.mean('bench', 100):.4f}  "
                  f"(noise power {a.noise ** 2:.3f})  memory {rss_mb():.0f} MB")


if __name__ == "__main__":
    main()

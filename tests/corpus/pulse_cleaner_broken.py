# bug: corrupt() overwrites sig, so the loss compares the output with the noisy input instead of the clean signal
# expects: LOS055
# Clean one-channel pulse recordings with a small residual conv net.
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


@dataclass
class Settings:
    length: int = 160
    train: int = 3000
    test: int = 600
    batch: int = 50
    epochs: int = 8
    lr: float = 1.5e-3
    noise: float = 0.35
    seed: int = 21


def pulses(n, length, rng):
    t = np.arange(length)[None, :]
    out = np.zeros((n, length))
    period = rng.uniform(28, 50, (n, 1))
    phase = rng.uniform(0, 1, (n, 1))
    cyc = (t / period + phase) % 1.0
    for mu, sd, amp in [(0.25, 0.05, 0.3), (0.45, 0.025, 1.4), (0.52, 0.03, -0.5), (0.75, 0.08, 0.5)]:
        out += amp * rng.uniform(0.8, 1.2, (n, 1)) * np.exp(-0.5 * ((cyc - mu) / sd) ** 2)
    return torch.tensor(out, dtype=torch.float32).unsqueeze(1)


def corrupt(sig, level):
    drift = torch.randn(len(sig), 1, 1) * torch.linspace(-1, 1, sig.shape[-1])
    return sig + level * torch.randn_like(sig) + 0.3 * drift


class Block(nn.Module):
    def __init__(self, ch, dil):
        super().__init__()
        self.a = nn.Conv1d(ch, ch, 5, padding=2 * dil, dilation=dil)
        self.b = nn.Conv1d(ch, ch, 1)

    def forward(self, x):
        return x + self.b(torch.relu(self.a(x)))


class Cleaner(nn.Module):
    def __init__(self, ch=24):
        super().__init__()
        self.inp = nn.Conv1d(1, ch, 7, padding=3)
        self.mid = nn.Sequential(*[Block(ch, d) for d in (1, 2, 4, 8)])
        self.out = nn.Conv1d(ch, 1, 1)

    def forward(self, x):
        return x + self.out(self.mid(self.inp(x)))


def snr_db(est, ref):
    return (10 * torch.log10(ref.pow(2).sum(-1) / (est - ref).pow(2).sum(-1))).mean().item()


def run(s: Settings):
    torch.manual_seed(s.seed)
    rng = np.random.default_rng(s.seed)
    train = pulses(s.train, s.length, rng)
    test = pulses(s.test, s.length, rng)
    test_noisy = corrupt(test, s.noise)

    net = Cleaner()
    opt = torch.optim.Adam(net.parameters(), lr=s.lr)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, s.lr, total_steps=s.epochs * (s.train // s.batch))
    mse = nn.MSELoss()

    for ep in range(s.epochs):
        running = 0.0
        order = torch.randperm(s.train)
        for idx in order.split(s.batch):
            sig = train[idx]
            sig = corrupt(sig, s.noise)
            loss = mse(net(sig), sig)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            running += loss.item() * len(idx)
        print(f"[{ep + 1}/{s.epochs}] mse {running / s.train:.4f}")

    net.eval()
    with torch.no_grad():
        clean = net(test_noisy)
    print(f"test snr before {snr_db(test_noisy, test):.2f} dB, after {snr_db(clean, test):.2f} dB")


if __name__ == "__main__":
    run(Settings())

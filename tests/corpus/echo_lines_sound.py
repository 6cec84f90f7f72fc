# expects: nothing
"""Mixed-precision denoising of ultrasound lines (echo amplitudes in volts)."""
import argparse

import numpy as np
import torch
from torch import nn


def get_args():
    p = argparse.ArgumentParser()
    p.add_argument("--lines", type=int, default=4800)
    p.add_argument("--samples", type=int, default=256)
    p.add_argument("--hidden", type=int, default=128)
    p.add_argument("--batch-size", type=int, default=100)
    p.add_argument("--epochs", type=int, default=6)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--no-amp", dest="amp", action="store_false")
    p.add_argument("--seed", type=int, default=5)
    return p.parse_args()


def echo_lines(n, samples, rng):
    """Each line holds two to four damped echoes, a few millivolts high, under receiver noise."""
    t = np.arange(samples)
    clean = np.zeros((n, samples))
    for i in range(n):
        for _ in range(rng.integers(2, 5)):
            at, amp = rng.uniform(10, samples - 40), rng.uniform(2e-3, 8e-3)
            d = t - at
            clean[i] += amp * np.exp(-np.abs(d) / 14.0) * np.cos(2 * np.pi * d / 24.0)
    noisy = clean + rng.normal(0, 1.5e-3, clean.shape)
    return torch.tensor(noisy, dtype=torch.float32), torch.tensor(clean, dtype=torch.float32)


class Denoiser(nn.Module):
    def __init__(self, samples, hidden, in_scale):
        super().__init__()
        self.register_buffer("in_scale", torch.tensor(in_scale))
        self.enc = nn.Sequential(nn.Linear(samples, hidden * 2), nn.SiLU(), nn.Linear(hidden * 2, hidden), nn.SiLU())
        self.dec = nn.Sequential(nn.Linear(hidden, hidden * 2), nn.SiLU(), nn.Linear(hidden * 2, samples))

    def forward(self, x):
        return self.dec(self.enc(x / self.in_scale)) * self.in_scale


def snr_db(pred, clean):
    return (10 * torch.log10(clean.square().mean() / (pred - clean).square().mean())).item()


def main():
    args = get_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    noisy, clean = (a.to(device) for a in echo_lines(args.lines, args.samples, rng))
    cut = args.lines * 5 // 6
    x_tr, y_tr, x_va, y_va = noisy[:cut], clean[:cut], noisy[cut:], clean[cut:]

    model = Denoiser(args.samples, args.hidden, x_tr.std().item()).to(device)
    opt = torch.optim.Adam(model.parameters(), lr=args.lr, eps=1e-14)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, args.epochs, eta_min=args.lr / 50)
    scaler = torch.amp.GradScaler(device.type, enabled=args.amp)

    print(f"device {device}, valid SNR of the raw lines {snr_db(x_va, y_va):.2f} dB")
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(cut, device=device).split(args.batch_size):
            with torch.autocast(device.type, dtype=torch.float16, enabled=args.amp):
                out = model(x_tr[idx])
                loss = nn.functional.mse_loss(out.float(), y_tr[idx])
            opt.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(opt)
            scaler.update()
            total += loss.item() * len(idx)
        sched.step()
        model.eval()
        with torch.no_grad(), torch.autocast(device.type, dtype=torch.float16, enabled=args.amp):
            out = model(x_va).float()
        print(f"epoch {epoch + 1:2d}: train mse {total / cut:.3e} V^2, valid SNR {snr_db(out, y_va):.2f} dB")


if __name__ == "__main__":
    main()

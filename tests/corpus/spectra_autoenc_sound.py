# expects: nothing
"""Compress Raman spectra with an autoencoder, mixed precision."""
import time

import numpy as np
import torch
import torch.nn as nn

N_CHANNELS = 256
LATENT = 8


def simulate(n, rng):
    axis = np.linspace(0, 1, N_CHANNELS)
    centres = np.array([0.12, 0.21, 0.3, 0.44, 0.52, 0.66, 0.79, 0.9])
    widths = np.array([0.012, 0.02, 0.015, 0.03, 0.018, 0.025, 0.02, 0.03])
    peaks = np.exp(-0.5 * ((axis - centres[:, None]) / widths[:, None]) ** 2)
    conc = rng.dirichlet(np.full(5, 0.8), size=n)
    mix = np.random.default_rng(77).gamma(1.0, 1.0, size=(5, 8))
    spectra = conc @ mix @ peaks
    spectra += rng.uniform(0.0, 0.3, (n, 1)) * np.exp(-2 * axis)
    return (0.05 * spectra + rng.normal(0, 0.001, spectra.shape)).astype(np.float32)


class AutoEncoder(nn.Module):
    def __init__(self, centre, spread):
        super().__init__()
        self.register_buffer("centre", centre)
        self.register_buffer("spread", spread)
        self.encoder = nn.Sequential(
            nn.Linear(N_CHANNELS, 128), nn.GELU(),
            nn.Linear(128, 64), nn.GELU(),
            nn.Linear(64, LATENT),
        )
        self.decoder = nn.Sequential(
            nn.Linear(LATENT, 64), nn.GELU(),
            nn.Linear(64, 128), nn.GELU(),
            nn.Linear(128, N_CHANNELS),
        )

    def forward(self, x):
        code = self.encoder((x - self.centre) / self.spread)
        return self.centre + self.spread * self.decoder(code)


class Trainer:
    def __init__(self, model, train_x, test_x, lr=1e-3, batch_size=128, steps=420):
        self.model, self.train_x, self.test_x = model, train_x, test_x
        self.batch_size, self.steps = batch_size, steps
        self.opt = torch.optim.Adam(model.parameters(), lr=lr, eps=1e-10)
        self.sched = torch.optim.lr_scheduler.OneCycleLR(self.opt, max_lr=lr * 3, total_steps=steps)
        self.scaler = torch.amp.GradScaler("cpu")

    def batches(self):
        while True:
            order = torch.randperm(len(self.train_x))
            for i in range(0, len(order) - self.batch_size + 1, self.batch_size):
                yield self.train_x[order[i:i + self.batch_size]]

    def train_step(self, x):
        with torch.autocast("cpu", dtype=torch.float16):
            loss = nn.functional.mse_loss(self.model(x), x)
        self.opt.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.step(self.opt)
        self.scaler.update()
        self.sched.step()
        return loss.item()

    @torch.no_grad()
    def explained(self):
        self.model.eval()
        out = self.model(self.test_x)
        resid = ((out - self.test_x) ** 2).sum()
        spread = ((self.test_x - self.train_x.mean(0)) ** 2).sum()
        self.model.train()
        return (1 - resid / spread).item()

    def run(self):
        t0 = time.time()
        window = []
        for step, x in zip(range(1, self.steps + 1), self.batches()):
            window.append(self.train_step(x))
            if step % 60 == 0:
                print(f"step {step:5d}  mse {np.mean(window):.3e}  explained {self.explained():.4f}  {time.time() - t0:.0f}s")
                window = []
        print(f"held-out variance explained: {self.explained():.4f}")


if __name__ == "__main__":
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    train_x = torch.from_numpy(simulate(5000, rng))
    test_x = torch.from_numpy(simulate(1000, rng))
    Trainer(AutoEncoder(train_x.mean(0), train_x.std(0)), train_x, test_x).run()

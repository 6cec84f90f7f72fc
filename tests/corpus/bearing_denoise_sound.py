# expects: nothing
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass
class Config:
    length: int = 256
    n_train: int = 1600
    n_val: int = 512
    batch: int = 32
    epochs: int = 8
    lr: float = 2e-3
    noise: float = 0.6
    seed: int = 3


class Vibration:
    """Bearing traces: two harmonics and decaying impacts, with sensor noise on top."""

    def __init__(self, n: int, cfg: Config, gen: torch.Generator):
        t = torch.linspace(0, 1, cfg.length)
        f = 4 + 8 * torch.rand(n, 1, generator=gen)
        phase = 2 * math.pi * torch.rand(n, 2, generator=gen)
        amp = 0.5 + torch.rand(n, 2, generator=gen)
        clean = amp[:, :1] * torch.sin(2 * math.pi * f * t + phase[:, :1])
        clean = clean + 0.4 * amp[:, 1:] * torch.sin(4 * math.pi * f * t + phase[:, 1:])
        for _ in range(3):
            at = torch.rand(n, 1, generator=gen)
            gap = (t - at).clamp(min=0)
            clean = clean + 1.2 * (t > at) * torch.exp(-60 * gap) * torch.cos(250 * gap)
        self.clean = clean.unsqueeze(1)
        self.noisy = self.clean + cfg.noise * torch.randn(n, 1, cfg.length, generator=gen)


class UNet1d(nn.Module):
    def __init__(self, c: int = 16):
        super().__init__()
        self.enc1 = nn.Sequential(nn.Conv1d(1, c, 9, padding=4), nn.GELU())
        self.enc2 = nn.Sequential(nn.Conv1d(c, 2 * c, 9, stride=2, padding=4), nn.GELU())
        self.enc3 = nn.Sequential(nn.Conv1d(2 * c, 4 * c, 9, stride=2, padding=4), nn.GELU())
        self.up1 = nn.ConvTranspose1d(4 * c, 2 * c, 4, stride=2, padding=1)
        self.up2 = nn.ConvTranspose1d(4 * c, c, 4, stride=2, padding=1)
        self.head = nn.Conv1d(2 * c, 1, 9, padding=4)

    def forward(self, x: Tensor) -> Tensor:
        a = self.enc1(x)
        b = self.enc2(a)
        d = F.gelu(self.up1(self.enc3(b)))
        e = F.gelu(self.up2(torch.cat([d, b], 1)))
        return self.head(torch.cat([e, a], 1))


class Denoiser:
    def __init__(self, cfg: Config):
        self.cfg = cfg
        gen = torch.Generator().manual_seed(cfg.seed)
        torch.manual_seed(cfg.seed)
        self.train_set = Vibration(cfg.n_train, cfg, gen)
        self.val_set = Vibration(cfg.n_val, cfg, gen)
        self.net = UNet1d()
        self.opt = torch.optim.Adam(self.net.parameters(), lr=cfg.lr)
        self.sched = torch.optim.lr_scheduler.CosineAnnealingLR(self.opt, cfg.epochs)

    def epoch(self) -> float:
        self.net.train()
        losses = []
        for idx in torch.randperm(self.cfg.n_train).split(self.cfg.batch):
            clean, noisy = self.train_set.clean[idx], self.train_set.noisy[idx]
            restored = self.net(noisy)
            loss = F.mse_loss(restored, clean)
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            losses.append(loss.item())
        self.sched.step()
        return sum(losses) / len(losses)

    @torch.no_grad()
    def snr(self) -> float:
        self.net.eval()
        err = self.net(self.val_set.noisy) - self.val_set.clean
        return 10 * math.log10(self.val_set.clean.pow(2).mean() / err.pow(2).mean())

    def run(self):
        for e in range(self.cfg.epochs):
            loss = self.epoch()
            print(f"epoch {e + 1}: loss={loss:.5f}")
        print(f"held-out SNR after denoising: {self.snr():.2f} dB")


if __name__ == "__main__":
    Denoiser(Config()).run()

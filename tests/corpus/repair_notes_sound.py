# expects: nothing
"""Match repair notes (bags of words) with spectra of the part they describe."""
import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Settings:
    latent: int = 12
    words: int = 300
    bands: int = 64
    dim: int = 48
    batch: int = 128
    epochs: int = 10
    lr: float = 1e-3
    temperature: float = 0.07
    seed: int = 21


def make_pairs(cfg, n, rng, word_map, band_map):
    z = rng.normal(size=(n, cfg.latent))
    rate = np.exp(0.6 * z @ word_map - 2.2)
    notes = np.log1p(rng.poisson(rate))
    spectra = np.tanh(z @ band_map) + 0.25 * rng.normal(size=(n, cfg.bands))
    return torch.tensor(notes, dtype=torch.float32), torch.tensor(spectra, dtype=torch.float32)


class NoteTower(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(cfg.words, 128), nn.GELU(), nn.LayerNorm(128), nn.Linear(128, cfg.dim))

    def forward(self, x):
        return F.normalize(self.net(x), dim=-1)


class SpectrumTower(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Linear(cfg.bands, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, cfg.dim))

    def forward(self, x):
        return F.normalize(self.conv(x), dim=-1)


class Matcher(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.notes = NoteTower(cfg)
        self.spectra = SpectrumTower(cfg)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / cfg.temperature)))

    def forward(self, notes, spectra):
        scale = self.logit_scale.exp().clamp(max=100.0)
        return scale * self.notes(notes) @ self.spectra(spectra).T


class Trainer:
    def __init__(self, cfg, model, train, held):
        self.cfg, self.model, self.train_set, self.held = cfg, model, train, held
        self.opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=5e-2)
        self.gen = torch.Generator().manual_seed(cfg.seed)

    def batches(self):
        order = torch.randperm(len(self.train_set[0]), generator=self.gen)
        for idx in order.split(self.cfg.batch):
            if len(idx) == self.cfg.batch:
                yield self.train_set[0][idx], self.train_set[1][idx]

    def loss(self, notes, spectra):
        logits = self.model(notes, spectra)
        labels = torch.arange(len(notes))
        return 0.5 * (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels))

    def run(self):
        for epoch in range(1, self.cfg.epochs + 1):
            self.model.train()
            losses = []
            for notes, spectra in self.batches():
                loss = self.loss(notes, spectra)
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                losses.append(loss.item())
            if epoch % 2 == 0:
                r1, r10 = self.recall()
                print(f"epoch {epoch}: loss {np.mean(losses):.4f}  recall@1 {r1:.3f}  recall@10 {r10:.3f}")
        return self.recall()

    @torch.no_grad()
    def recall(self):
        self.model.eval()
        notes, spectra = self.held
        sims = self.model(notes, spectra)
        rank = (sims > sims.diagonal()[:, None]).sum(dim=1)
        return (rank < 1).float().mean().item(), (rank < 10).float().mean().item()


def main():
    cfg = Settings()
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)
    word_map = rng.normal(size=(cfg.latent, cfg.words)) / math.sqrt(cfg.latent) * 1.5
    band_map = rng.normal(size=(cfg.latent, cfg.bands)) / math.sqrt(cfg.latent)
    train = make_pairs(cfg, 14000, rng, word_map, band_map)
    held = make_pairs(cfg, 1000, rng, word_map, band_map)
    r1, r10 = Trainer(cfg, Matcher(cfg), train, held).run()
    print(f"final held-out recall@1 {r1:.3f} recall@10 {r10:.3f}")


if __name__ == "__main__":
    main()

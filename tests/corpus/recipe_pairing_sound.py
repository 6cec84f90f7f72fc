# expects: nothing
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


@dataclass
class Settings:
    pairs: int = 4000
    held_out: int = 800
    latent: int = 24
    dish_dim: int = 96
    text_dim: int = 64
    embed: int = 32
    batch: int = 128
    epochs: int = 25
    rate: float = 1e-3
    temperature: float = 0.07
    seed: int = 11


def synth_pairs(s):
    """A dish photo feature and a recipe text feature that describe the same dish."""
    rng = np.random.default_rng(s.seed)
    n = s.pairs + s.held_out
    dish = rng.normal(size=(n, s.latent))

    def view(dim, noise):
        w1 = rng.normal(size=(s.latent, 80)) / np.sqrt(s.latent)
        w2 = rng.normal(size=(80, dim)) / np.sqrt(80)
        return np.tanh(1.5 * dish @ w1) @ w2 + noise * rng.normal(size=(n, dim))

    photo = torch.tensor(view(s.dish_dim, 0.25), dtype=torch.float32)
    text = torch.tensor(view(s.text_dim, 0.25), dtype=torch.float32)
    return (photo[: s.pairs], text[: s.pairs]), (photo[s.pairs :], text[s.pairs :])


def tower(n_in, n_out):
    return nn.Sequential(
        nn.Linear(n_in, 192), nn.LayerNorm(192), nn.GELU(),
        nn.Linear(192, 192), nn.GELU(),
        nn.Linear(192, n_out),
    )


class PairTrainer:
    def __init__(self, s):
        torch.manual_seed(s.seed)
        self.s = s
        self.photo_tower = tower(s.dish_dim, s.embed)
        self.text_tower = tower(s.text_dim, s.embed)
        params = [*self.photo_tower.parameters(), *self.text_tower.parameters()]
        self.opt = torch.optim.AdamW(params, lr=s.rate, weight_decay=0.01)

    def embed(self, photo, text):
        return (F.normalize(self.photo_tower(photo), dim=-1),
                F.normalize(self.text_tower(text), dim=-1))

    def info_nce(self, p, t):
        logits = p @ t.T / self.s.temperature
        target = torch.arange(len(p))
        return 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target))

    def fit(self, train, test):
        photo, text = train
        for epoch in range(1, self.s.epochs + 1):
            order = torch.randperm(len(photo))
            losses = []
            for idx in order.split(self.s.batch):
                if len(idx) < self.s.batch:
                    continue
                loss = self.info_nce(*self.embed(photo[idx], text[idx]))
                self.opt.zero_grad(set_to_none=True)
                loss.backward()
                self.opt.step()
                losses.append(loss.item())
            if epoch % 5 == 0:
                r1, rank = self.retrieval(test)
                print(f"epoch {epoch:2d} | loss {np.mean(losses):.3f} | recall@1 {r1:.3f} | median rank {rank:.0f}")

    @torch.no_grad()
    def retrieval(self, pair):
        p, t = self.embed(*pair)
        sim = p @ t.T
        true = sim.diagonal().unsqueeze(1)
        rank = (sim > true).sum(1) + 1
        return (rank == 1).float().mean().item(), rank.float().median().item()


def main():
    s = Settings()
    train, test = synth_pairs(s)
    trainer = PairTrainer(s)
    trainer.fit(train, test)
    r1, rank = trainer.retrieval(test)
    print(f"held-out {s.held_out} dishes: recall@1 {r1:.3f}, median rank {rank:.0f}")


if __name__ == "__main__":
    main()

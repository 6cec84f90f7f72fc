# expects: nothing
import argparse
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def build_pairs(n, seed, vocab=400):
    """Each recipe has a latent vector; the photo features and the ingredient list both come from it."""
    rng = np.random.default_rng(seed)
    world = np.random.default_rng(77)
    mix = world.normal(size=(16, 60)) / 4
    mix2 = world.normal(size=(60, 60)) / 8
    word_vec = world.normal(size=(vocab, 16))
    latent = rng.normal(size=(n, 16))
    photo = np.tanh(latent @ mix) @ mix2 + 0.1 * rng.normal(size=(n, 60))
    score = latent @ word_vec.T * 0.9 + rng.gumbel(size=(n, vocab))
    words = np.argpartition(-score, 24, axis=1)[:, :24]
    return torch.tensor(photo, dtype=torch.float32), torch.tensor(words, dtype=torch.long)


class PhotoTower(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.body = nn.Sequential(nn.LayerNorm(60), nn.Linear(60, 160), nn.GELU(), nn.Linear(160, 160),
                                  nn.GELU(), nn.Linear(160, dim))

    def forward(self, x):
        return self.body(x)


class TextTower(nn.Module):
    def __init__(self, vocab, dim):
        super().__init__()
        self.emb = nn.EmbeddingBag(vocab, 96, mode="mean")
        nn.init.normal_(self.emb.weight, std=0.3)
        self.body = nn.Sequential(nn.LayerNorm(96), nn.Linear(96, 160), nn.GELU(), nn.Linear(160, dim))

    def forward(self, ids):
        return self.body(self.emb(ids))


class DualEncoder(nn.Module):
    def __init__(self, vocab=400, dim=48, tau=0.07):
        super().__init__()
        self.photo = PhotoTower(dim)
        self.text = TextTower(vocab, dim)
        self.log_tau = nn.Parameter(torch.tensor(tau).log())

    def embed(self, photo, words):
        return F.normalize(self.photo(photo), dim=-1), F.normalize(self.text(words), dim=-1)

    def forward(self, photo, words):
        p, t = self.embed(photo, words)
        logits = p @ t.T * torch.exp(-self.log_tau)
        target = torch.arange(len(p), device=p.device)
        return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


@torch.no_grad()
def recall(model, photo, words, ks=(1, 10)):
    model.eval()
    p, t = model.embed(photo, words)
    sim = p @ t.T
    rank = (sim > sim.diagonal()[:, None]).sum(1)
    model.train()
    return [(rank < k).float().mean().item() for k in ks]


def main(args):
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    train = TensorDataset(*build_pairs(args.train_size, 1))
    valid = build_pairs(1000, 2)
    loader = DataLoader(train, batch_size=args.batch, shuffle=True, drop_last=True)
    model = DualEncoder()
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    total = args.epochs * len(loader)
    warm = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1, (s + 1) / 50) * (1 - s / (total + 1)))
    for epoch in range(args.epochs):
        losses = []
        for photo, words in loader:
            loss = model(photo, words)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            warm.step()
            losses.append(loss.item())
        r1, r10 = recall(model, *valid)
        print(f"[{epoch + 1:02d}/{args.epochs}] loss={np.mean(losses):.3f} "
              f"valid R@1={r1:.3f} R@10={r10:.3f}")
    print("valid recall at 1 / 10 among 1000:", *[f"{r:.3f}" for r in recall(model, *valid)])


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=14)
    ap.add_argument("--batch", type=int, default=128)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--train-size", type=int, default=8000)
    ap.add_argument("--seed", type=int, default=3)
    main(ap.parse_args())

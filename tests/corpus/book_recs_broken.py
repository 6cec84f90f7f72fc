# bug: sample_negatives creates and seeds its generator on every call, so every batch gets the same few negative items
# expects: LOS065
"""Implicit-feedback book recommender, matrix factorisation with a BPR loss."""
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F

cfg = SimpleNamespace(users=1500, books=2500, genres=12, dim=32, epochs=30, batch=256,
                      lr=0.05, l2=2e-3, seed=13, k=20)


def build_log(cfg):
    """Each reader picks books by genre taste and popularity. Returns per-reader lists in reading order."""
    rng = np.random.default_rng(cfg.seed)
    genre = rng.integers(0, cfg.genres, cfg.books)
    popularity = rng.lognormal(0, 0.7, cfg.books)
    taste = rng.dirichlet(np.full(cfg.genres, 0.15), cfg.users)
    log = []
    for u in range(cfg.users):
        p = popularity * (taste[u][genre] + 0.002)
        log.append(rng.choice(cfg.books, size=rng.integers(15, 40), replace=False, p=p / p.sum()))
    return log


class Sampler:
    def __init__(self, train, cfg):
        self.cfg = cfg
        self.seen = torch.zeros(cfg.users, cfg.books, dtype=torch.bool)
        for u, books in enumerate(train):
            self.seen[u, torch.as_tensor(books)] = True
        self.pairs = self.seen.nonzero()

    def sample_negatives(self, users):
        rng = torch.Generator().manual_seed(self.cfg.seed)
        neg = torch.randint(self.cfg.books, (len(users),), generator=rng)
        clash = self.seen[users, neg]
        while clash.any():
            neg[clash] = torch.randint(self.cfg.books, (int(clash.sum()),), generator=rng)
            clash = self.seen[users, neg]
        return neg

    def batches(self):
        for idx in torch.randperm(len(self.pairs)).split(self.cfg.batch):
            users, pos = self.pairs[idx].unbind(1)
            yield users, pos, self.sample_negatives(users)


class Factors(torch.nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.user = torch.nn.Embedding(cfg.users, cfg.dim)
        self.book = torch.nn.Embedding(cfg.books, cfg.dim)
        self.bias = torch.nn.Embedding(cfg.books, 1)
        torch.nn.init.normal_(self.user.weight, std=0.1)
        torch.nn.init.normal_(self.book.weight, std=0.1)
        torch.nn.init.zeros_(self.bias.weight)

    def score(self, u, b):
        return (self.user(u) * self.book(b)).sum(-1) + self.bias(b)[:, 0]

    def penalty(self, u, *books):
        reg = self.user(u).pow(2).sum(1)
        for b in books:
            reg = reg + self.book(b).pow(2).sum(1)
        return reg.mean()

    def all_scores(self):
        return self.user.weight @ self.book.weight.t() + self.bias.weight[:, 0]


@torch.no_grad()
def rank_metrics(model, hide, target, k):
    scores = model.all_scores().masked_fill(hide, float("-inf"))
    goal = scores.gather(1, target[:, None])
    rank = (scores > goal).sum(1) + 1
    hit = rank <= k
    ndcg = torch.where(hit, 1 / torch.log2(rank.float() + 1), torch.zeros(()))
    return hit.float().mean().item(), ndcg.mean().item()


def main():
    torch.manual_seed(cfg.seed)
    log = build_log(cfg)
    train = [b[:-2] for b in log]
    val_item = torch.tensor([int(b[-2]) for b in log])
    test_item = torch.tensor([int(b[-1]) for b in log])
    sampler = Sampler(train, cfg)
    hide_test = sampler.seen.clone()
    hide_test[torch.arange(cfg.users), val_item] = True
    print(f"{len(sampler.pairs)} training reads, {cfg.users} readers, {cfg.books} books")

    counts = sampler.seen.sum(0).float()
    top = counts.expand(cfg.users, -1).masked_fill(hide_test, -1).topk(cfg.k, dim=1).indices
    print(f"most-popular baseline HR@{cfg.k} {(top == test_item[:, None]).any(1).float().mean():.4f}")

    model = Factors(cfg)
    opt = torch.optim.Adagrad(model.parameters(), lr=cfg.lr)
    for epoch in range(1, cfg.epochs + 1):
        total, n = 0.0, 0
        for users, pos, neg in sampler.batches():
            diff = model.score(users, pos) - model.score(users, neg)
            loss = -F.logsigmoid(diff).mean() + cfg.l2 * model.penalty(users, pos, neg)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total, n = total + loss.item(), n + 1
        if epoch % 3 == 0:
            hr, ndcg = rank_metrics(model, sampler.seen, val_item, cfg.k)
            print(f"epoch {epoch:3d}  bpr {total / n:.4f}  val HR@{cfg.k} {hr:.4f}  NDCG {ndcg:.4f}")
    hr, ndcg = rank_metrics(model, hide_test, test_item, cfg.k)
    print(f"test HR@{cfg.k} {hr:.4f}  NDCG@{cfg.k} {ndcg:.4f}")


if __name__ == "__main__":
    main()

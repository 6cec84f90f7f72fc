# expects: nothing
"""Metric learning for spare-part retrieval: triplet-style contrastive loss with a cross-batch memory."""
import resource
import time
from collections import deque

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(2)
N_PARTS, N_HELD, IN_DIM, EMB = 120, 60, 96, 64


class PartScanner:
    """Descriptor of a part = fixed mixing of its latent shape, plus pose and sensor noise."""

    def __init__(self, gen):
        self.gen = gen
        self.shape = torch.randn(N_PARTS + N_HELD, 10, generator=gen)
        self.mix = torch.randn(10, IN_DIM, generator=gen) / 10 ** 0.5
        self.pose = torch.randn(40, IN_DIM, generator=gen) / 40 ** 0.5

    def scan(self, ids):
        pose = 4.0 * torch.randn(len(ids), 40, generator=self.gen)
        noise = 0.6 * torch.randn(len(ids), IN_DIM, generator=self.gen)
        return self.shape[ids] @ self.mix + pose @ self.pose + noise


class Embedder(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(IN_DIM, 128), nn.ReLU(),
            nn.Linear(128, 128), nn.ReLU(),
            nn.Linear(128, EMB),
        )

    def forward(self, x):
        return F.normalize(self.body(x), dim=1)


class CrossBatchMemory:
    """Embeddings of recent batches, used as extra references (Wang et al. 2020)."""

    def __init__(self, batches):
        self.feats = deque(maxlen=batches)
        self.ids = deque(maxlen=batches)

    def push(self, z, ids):
        self.feats.append(z.detach())
        self.ids.append(ids)

    def get(self):
        return torch.cat(list(self.feats)), torch.cat(list(self.ids))


def contrastive(z, ids, ref, ref_ids, margin=0.4):
    sim = z @ ref.t()
    same = ids[:, None] == ref_ids[None]
    pos = (1 - sim)[same & (sim < 1 - 1e-5)]
    neg = F.relu(sim - margin)[~same]
    neg = neg[neg > 0]
    return (pos.mean() if len(pos) else 0.0) + (neg.mean() if len(neg) else 0.0)


@torch.no_grad()
def recall_at_1(model, x, ids):
    model.eval()
    z = model(x)
    sim = z @ z.t()
    sim.fill_diagonal_(-2)
    return (ids[sim.argmax(1)] == ids).float().mean().item()


def main():
    scanner = PartScanner(torch.Generator().manual_seed(2))
    train_ids = torch.arange(N_PARTS).repeat_interleave(40)
    train_x = scanner.scan(train_ids)
    held_ids = (N_PARTS + torch.arange(N_HELD)).repeat_interleave(12)     # parts never seen in training
    held_x = scanner.scan(held_ids)
    mu, sd = train_x.mean(0), train_x.std(0)
    train_x, held_x = (train_x - mu) / sd, (held_x - mu) / sd

    model = Embedder()
    opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-4)
    memory = CrossBatchMemory(batches=48)
    print(f"untrained  recall@1 {recall_at_1(model, held_x, held_ids):.3f}")
    for epoch in range(1, 9):
        model.train()
        t0, total, steps = time.time(), 0.0, 0
        for idx in torch.randperm(len(train_x)).split(64):
            x, ids = train_x[idx], train_ids[idx]
            z = model(x)
            memory.push(z, ids)
            ref, ref_ids = memory.get()
            loss = contrastive(z, ids, ref, ref_ids)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total, steps = total + loss.item(), steps + 1
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"epoch {epoch:2d}  loss {total / steps:.4f}  held-out recall@1 {recall_at_1(model, held_x, held_ids):.3f}"
              f"  {time.time() - t0:.2f}s  peak {rss:.0f} MB")


if __name__ == "__main__":
    main()

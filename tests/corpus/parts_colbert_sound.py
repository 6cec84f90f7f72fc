# expects: nothing
"""Late-interaction retriever for a spare-parts catalogue (MaxSim over token embeddings, in-batch negatives)."""
from __future__ import annotations

import time

import torch
import torch.nn as nn
import torch.nn.functional as F

VOCAB, N_PARTS, DOC_LEN, QUERY_LEN, DIM = 600, 2500, 14, 5, 32
SYNONYMS = 3


class Catalogue:
    """A part is a bag of concepts; catalogue text and customer queries use different surface forms of them."""

    def __init__(self, seed: int) -> None:
        self.gen = torch.Generator().manual_seed(seed)
        self.n_concepts = VOCAB // SYNONYMS
        freq = 1.0 / torch.arange(1, self.n_concepts + 1).float() ** 0.7
        self.parts = torch.multinomial(freq.expand(N_PARTS, -1), DOC_LEN, generator=self.gen)
        self.docs = self.surface(self.parts, 0)

    def surface(self, concepts: torch.Tensor, first: int) -> torch.Tensor:
        form = torch.randint(first, SYNONYMS, concepts.shape, generator=self.gen)
        return concepts * SYNONYMS + form

    def queries(self, part_ids: torch.Tensor) -> torch.Tensor:
        pick = torch.rand(len(part_ids), DOC_LEN, generator=self.gen).argsort(1)[:, :QUERY_LEN]
        concepts = self.parts[part_ids].gather(1, pick)
        noise = torch.rand(concepts.shape, generator=self.gen) < 0.2
        concepts = torch.where(noise, torch.randint(0, self.n_concepts, concepts.shape, generator=self.gen), concepts)
        return self.surface(concepts, 1)


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.emb = nn.Embedding(VOCAB, 64)
        self.mix = nn.Sequential(nn.Linear(64, 64), nn.GELU(), nn.Linear(64, DIM))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        e = self.emb(tokens)
        e = e + 0.3 * e.mean(1, keepdim=True)
        return F.normalize(self.mix(e), dim=-1)


class Retriever(nn.Module):
    def __init__(self, temperature: float = 0.07) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.temperature = temperature

    @staticmethod
    def maxsim(q: torch.Tensor, d: torch.Tensor) -> torch.Tensor:
        sim = (q.flatten(0, 1) @ d.flatten(0, 1).T).view(q.shape[0], q.shape[1], d.shape[0], d.shape[1])
        return sim.amax(-1).mean(1)

    def loss(self, q: torch.Tensor, d: torch.Tensor) -> torch.Tensor:
        scores = self.maxsim(self.encoder(q), self.encoder(d)) / self.temperature
        return F.cross_entropy(scores, torch.arange(len(q)))


@torch.no_grad()
def recall(model: Retriever, cat: Catalogue, ids: torch.Tensor, queries: torch.Tensor) -> tuple[float, float]:
    """Every query is ranked against the whole catalogue slice that was held out."""
    model.eval()
    docs = model.encoder(cat.docs[ids])
    ranks = []
    for k in range(0, len(ids), 50):
        s = model.maxsim(model.encoder(queries[k:k + 50]), docs)
        own = s[torch.arange(len(s)), torch.arange(k, k + len(s))]
        ranks.append((s > own[:, None]).sum(1))
    r = torch.cat(ranks)
    model.train()
    return (r < 1).float().mean().item(), (r < 10).float().mean().item()


def main() -> None:
    torch.manual_seed(31)
    cat = Catalogue(31)
    perm = torch.randperm(N_PARTS, generator=cat.gen)
    held, train = perm[:500], perm[500:]
    held_queries = cat.queries(held)
    model = Retriever()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    start, step = time.time(), 0
    for epoch in range(1, 9):
        order = train[torch.randperm(len(train), generator=cat.gen)]
        for ids in order.split(40):
            loss = model.loss(cat.queries(ids), cat.docs[ids])
            opt.zero_grad()
            loss.backward()
            opt.step()
            step += 1
        r1, r10 = recall(model, cat, held, held_queries)
        print(f"epoch {epoch} step {step} loss {loss.item():.4f} held-out R@1 {r1:.3f} R@10 {r10:.3f} [{time.time() - start:.0f}s]")
    print(f"final held-out R@1 {r1:.4f} R@10 {r10:.4f} over {len(held)} parts")


if __name__ == "__main__":
    main()

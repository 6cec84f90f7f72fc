# bug: the embedding is replaced after tying
# expects: MOD039
"""Next-item recommendation from browsing sessions (GRU4Rec-like), item vectors warm-started from co-occurrence SVD."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

N_ITEMS, N_TOPICS, DIM, SEQ = 1500, 30, 48, 12
PAD = 0


def simulate(n_sessions, rng, world):
    topic_of, follow, pop = world
    members = [np.where(topic_of == t)[0] for t in range(N_TOPICS)]
    probs = [pop[m] / pop[m].sum() for m in members]
    out = np.full((n_sessions, SEQ + 1), PAD, dtype=np.int64)
    for s in range(n_sessions):
        t = rng.integers(N_TOPICS)
        for k in range(rng.integers(6, SEQ + 2)):
            out[s, k] = rng.choice(members[t], p=probs[t]) + 1
            if rng.random() < 0.6:
                t = follow[t]
    return out


def make_world(rng):
    topic_of = rng.integers(0, N_TOPICS, N_ITEMS)
    follow = rng.permutation(N_TOPICS)
    pop = 1.0 / (1 + rng.permutation(N_ITEMS)) ** 0.5
    return topic_of, follow, pop


def cooccurrence_vectors(sessions, dim):
    C = np.zeros((N_ITEMS + 1, N_ITEMS + 1))
    for row in sessions:
        items = row[row != PAD]
        for a, b in zip(items[:-1], items[1:]):
            C[a, b] += 1
            C[b, a] += 1
    rs = C.sum(1, keepdims=True) + 1
    ppmi = np.maximum(np.log(C * C.sum() / (rs * rs.T) + 1e-9), 0)
    U, S, _ = np.linalg.svd(ppmi, full_matrices=False)
    V = U[:, :dim] * np.sqrt(S[:dim])
    V = V / V.std() * 0.1
    V[PAD] = 0
    return torch.tensor(V, dtype=torch.float32)


class SessionModel(nn.Module):
    def __init__(self, n_tokens, dim):
        super().__init__()
        self.items = nn.Embedding(n_tokens, dim, padding_idx=PAD)
        self.gru = nn.GRU(dim, dim, batch_first=True)
        self.proj = nn.Linear(dim, dim)
        self.drop = nn.Dropout(0.3)
        self.score = nn.Linear(dim, n_tokens)
        self.score.weight = self.items.weight       # shared item matrix
        nn.init.normal_(self.items.weight, std=0.1)
        nn.init.zeros_(self.score.bias)

    def warm_start(self, vectors):
        self.items = nn.Embedding.from_pretrained(vectors, freeze=False, padding_idx=PAD)

    def forward(self, seq):
        h, _ = self.gru(self.drop(self.items(seq)))
        return self.score(self.drop(self.proj(h)))


@torch.no_grad()
def evaluate(model, sessions):
    model.eval()
    x, y = sessions[:, :-1], sessions[:, 1:]
    keep = y != PAD
    logits, y = model(x)[keep], y[keep]
    logits[:, PAD] = -1e9
    rank = (logits > logits.gather(1, y[:, None])).sum(1)
    return F.cross_entropy(logits, y).item(), (rank < 20).float().mean().item(), (1.0 / (rank + 1.0)).mean().item()


def main():
    torch.manual_seed(9)
    rng = np.random.default_rng(9)
    world = make_world(rng)
    train_np, test_np = simulate(1200, rng, world), simulate(400, rng, world)
    train, test = torch.from_numpy(train_np), torch.from_numpy(test_np)

    model = SessionModel(N_ITEMS + 1, DIM)
    model.warm_start(cooccurrence_vectors(train_np, DIM))
    opt = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-5)

    for epoch in range(1, 14):
        model.train()
        total, n = 0.0, 0
        for idx in torch.randperm(len(train)).split(64):
            x, y = train[idx, :-1], train[idx, 1:]
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), ignore_index=PAD)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total, n = total + loss.item(), n + 1
        ce, hit, mrr = evaluate(model, test)
        print(f"epoch {epoch:2d}: train ce {total / n:.3f}  test ce {ce:.3f}  hit@20 {hit:.3f}  mrr {mrr:.4f}")


if __name__ == "__main__":
    main()

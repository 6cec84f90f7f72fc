# expects: nothing
"""Next-episode recommender: causal GRU over listening history, item vectors seeded from co-listening counts."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import svds
from torch.utils.data import DataLoader, TensorDataset

ITEMS, TOPICS, LENGTH, DIM = 1500, 60, 12, 48


def sample_sessions(n, rng, topic_items, topic_next):
    out = np.zeros((n, LENGTH), dtype=np.int64)
    topic = rng.integers(0, TOPICS, n)
    for t in range(LENGTH):
        hop = rng.random(n) < 0.35
        topic = np.where(hop, topic_next[topic, rng.integers(0, 2, n)], topic)
        slot = np.minimum(rng.geometric(0.12, n) - 1, topic_items.shape[1] - 1)
        out[:, t] = topic_items[topic, slot]
    return out


def colisten_vectors(sessions, dim):
    rows, cols = [], []
    for lag in (1, 2, 3):
        rows += [sessions[:, :-lag].ravel(), sessions[:, lag:].ravel()]
        cols += [sessions[:, lag:].ravel(), sessions[:, :-lag].ravel()]
    r, c = np.concatenate(rows), np.concatenate(cols)
    counts = coo_matrix((np.ones(len(r)), (r, c)), shape=(ITEMS, ITEMS)).toarray()
    freq = counts.sum(1) + 1.0
    ppmi = np.maximum(np.log((counts * counts.sum() + 1e-9) / np.outer(freq, freq)), 0)
    u, s, _ = svds(ppmi, k=dim, random_state=0)
    vec = u * np.sqrt(s)
    return torch.tensor(vec / vec.std() * 0.3, dtype=torch.float32)


class NextEpisode(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.items = nn.Embedding(ITEMS, dim)
        self.drop = nn.Dropout(0.2)
        self.rnn = nn.GRU(dim, 96, batch_first=True)
        self.back = nn.Linear(96, dim)
        self.score = nn.Linear(dim, ITEMS)
        self.score.weight = self.items.weight

    def forward(self, hist):
        h, _ = self.rnn(self.drop(self.items(hist)))
        return self.score(self.drop(self.back(h)))


def seed_items(model, vectors):
    with torch.no_grad():
        model.items.weight.copy_(vectors)


def recall_at(model, loader, k=20):
    model.eval()
    hit = n = 0
    with torch.no_grad():
        for (seq,) in loader:
            top = model(seq[:, :-1])[:, -1].topk(k, dim=-1).indices
            hit += (top == seq[:, -1:]).any(-1).sum().item()
            n += len(seq)
    return hit / n


def main():
    torch.manual_seed(13)
    rng = np.random.default_rng(13)
    topic_items = rng.permutation(ITEMS).reshape(TOPICS, -1)
    topic_next = rng.integers(0, TOPICS, (TOPICS, 2))
    train_np = sample_sessions(1500, rng, topic_items, topic_next)
    test_np = sample_sessions(1500, rng, topic_items, topic_next)
    train = DataLoader(TensorDataset(torch.from_numpy(train_np)), batch_size=50, shuffle=True)
    test = DataLoader(TensorDataset(torch.from_numpy(test_np)), batch_size=250)

    model = NextEpisode(DIM)
    seed_items(model, colisten_vectors(train_np, DIM))
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(1, 13):
        model.train()
        total = 0.0
        for (seq,) in train:
            logits = model(seq[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1), seq[:, 1:].flatten())
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            opt.step()
            total += loss.item()
        print(f"epoch {epoch:2d}  loss {total / len(train):.4f}")
    print(f"held-out recall@20 {recall_at(model, test):.4f}")


if __name__ == "__main__":
    main()

# bug: loading item vectors replaces the embedding, and the output layer keeps the old one
# expects: MOD039
# Next-item recommendation in shop sessions: item vectors from co-occurrence, then a GRU on top.
import math
import numpy as np
import torch
from torch import nn

torch.manual_seed(3)
rs = np.random.RandomState(3)

N_ITEMS, DIM, MAXLEN, PAD = 1000, 32, 12, 0      # item ids are 1..N_ITEMS


def make_sessions(n):
    """Users drift through a taste space; each click is an item near the current position."""
    pos = rs.randn(N_ITEMS, 4)
    step = rs.randn(4, 4) * 0.2 + np.eye(4) * 0.9
    out = []
    for _ in range(n):
        z = rs.randn(4)
        items = []
        for _ in range(rs.randint(5, MAXLEN + 1)):
            score = -2.5 * ((pos - z) ** 2).sum(1)
            p = np.exp(score - score.max())
            it = rs.choice(N_ITEMS, p=p / p.sum())
            items.append(it + 1)
            z = step @ z
            z = z / max(1.0, np.linalg.norm(z) / 2.0) + 0.15 * rs.randn(4)
        out.append(items)
    return out


def pad(sessions):
    arr = np.zeros((len(sessions), MAXLEN), dtype=np.int64)
    for i, s in enumerate(sessions):
        arr[i, :len(s)] = s
    return torch.from_numpy(arr)


def ppmi_vectors(sessions, window=2):
    c = np.zeros((N_ITEMS + 1, N_ITEMS + 1))
    for s in sessions:
        for i, a in enumerate(s):
            for b in s[max(0, i - window):i]:
                c[a, b] += 1
                c[b, a] += 1
    total, row = c.sum(), c.sum(1) + 1e-9
    pmi = np.log((c * total + 1e-9) / np.outer(row, row))
    pmi = np.where(c > 0, np.maximum(pmi, 0), 0)
    u, s, _ = np.linalg.svd(pmi)
    v = u[:, :DIM] * np.sqrt(s[:DIM])
    v = v / v[1:].std() * 0.3
    v[PAD] = 0
    return torch.tensor(v, dtype=torch.float32)


class SessionGRU(nn.Module):
    def __init__(self, n_items, dim, hidden=64):
        super().__init__()
        self.embed = nn.Embedding(n_items + 1, dim, padding_idx=PAD)
        nn.init.normal_(self.embed.weight, std=0.3)
        self.drop = nn.Dropout(0.4)
        self.gru = nn.GRU(dim, hidden, batch_first=True)
        self.proj = nn.Linear(hidden, dim)
        self.out = nn.Linear(dim, n_items + 1)
        nn.init.zeros_(self.out.bias)
        self.tie_weights()

    def tie_weights(self):
        self.out.weight = self.embed.weight

    def load_item_vectors(self, vectors):
        self.embed = nn.Embedding.from_pretrained(vectors, freeze=False, padding_idx=PAD)

    def forward(self, x):
        h, _ = self.gru(self.drop(self.embed(x)))
        return self.out(self.drop(self.proj(h)))


def evaluate(model, data):
    model.eval()
    with torch.no_grad():
        x, y = data[:, :-1], data[:, 1:]
        logits = model(x)
        mask = y != PAD
        logits, y = logits[mask], y[mask]
        logits[:, PAD] = -1e9
        loss = nn.functional.cross_entropy(logits, y).item()
        rank = (logits > logits.gather(1, y[:, None])).sum(1)
    model.train()
    return loss, (rank < 10).float().mean().item(), (1.0 / (rank + 1)).mean().item()


sessions = make_sessions(1200)
train_s, valid_s = sessions[:900], sessions[900:]
train, valid = pad(train_s), pad(valid_s)

model = SessionGRU(N_ITEMS, DIM)
model.load_item_vectors(ppmi_vectors(train_s))
optimizer = torch.optim.Adam(model.parameters(), lr=1.5e-3)
lossf = nn.CrossEntropyLoss(ignore_index=PAD)
print("items", N_ITEMS, "train sessions", len(train), "valid sessions", len(valid), "log(n)", round(math.log(N_ITEMS), 3))

EPOCHS = 7
for epoch in range(1, EPOCHS + 1):
    running, count = 0.0, 0
    for idx in torch.randperm(len(train)).split(32):
        xb = train[idx]
        logits = model(xb[:, :-1])
        target = xb[:, 1:]
        loss = lossf(logits.reshape(-1, N_ITEMS + 1), target.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        n = (target != PAD).sum().item()
        running += loss.item() * n
        count += n
    vl, r10, mrr = evaluate(model, valid)
    print(f"epoch {epoch:2d} | train {running / count:.4f} | valid {vl:.4f} | recall@10 {r10:.3f} | mrr {mrr:.3f}")

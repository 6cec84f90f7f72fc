# bug: padding_idx defaults to 0 (the unk row) while the vocabulary's pad is id 1, so the pad row is trained and summed into the pooled note
# expects: MOD024
"""Route short insurance claim notes to one of six desks (bag of embeddings)."""
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(11)
np.random.seed(11)
torch.manual_seed(11)

DESKS = ["motor", "home", "travel", "health", "legal", "pet"]
WORDS = [f"w{i:03d}" for i in range(700)]
topic = {d: np.random.choice(len(WORDS), 60, replace=False) for d in DESKS}


def write_note(desk):
    n = int(np.clip(np.random.lognormal(2.2, 0.7), 4, 80))
    own = max(2, int(0.22 * n))
    ids = list(np.random.choice(topic[desk], own))
    ids += list(np.random.randint(0, len(WORDS), n - own))
    random.shuffle(ids)
    return [WORDS[i] for i in ids]


def make(n):
    labels = np.random.randint(0, len(DESKS), n)
    return [(write_note(DESKS[k]), int(k)) for k in labels]


class Vocab:
    def __init__(self, notes, min_count=3):
        count = {}
        for words, _ in notes:
            for w in words:
                count[w] = count.get(w, 0) + 1
        self.itos = ["<unk>", "<pad>"] + sorted(w for w, c in count.items() if c >= min_count)
        self.stoi = {w: i for i, w in enumerate(self.itos)}

    def __len__(self):
        return len(self.itos)

    def encode(self, words):
        return [self.stoi.get(w, self.stoi["<unk>"]) for w in words]


class NoteRouter(nn.Module):
    def __init__(self, n_words, dim=64):
        super().__init__()
        self.emb = nn.Embedding(n_words, dim, padding_idx=0)
        self.mlp = nn.Sequential(nn.Linear(dim, 96), nn.GELU(), nn.Dropout(0.2), nn.Linear(96, len(DESKS)))

    def forward(self, ids, lengths):
        pooled = self.emb(ids).sum(1) / lengths.unsqueeze(1).float()
        return self.mlp(pooled)


def collate(rows, vocab):
    enc = [vocab.encode(w) for w, _ in rows]
    lengths = torch.tensor([len(e) for e in enc])
    ids = torch.full((len(enc), int(lengths.max())), vocab.stoi["<pad>"])
    for i, e in enumerate(enc):
        ids[i, : len(e)] = torch.tensor(e)
    return ids, lengths, torch.tensor([y for _, y in rows])


def bucketed(rows, size):
    rows = rows[:]
    random.shuffle(rows)
    chunks = []
    for s in range(0, len(rows), size * 20):
        pool = sorted(rows[s : s + size * 20], key=lambda r: len(r[0]))
        chunks += [pool[i : i + size] for i in range(0, len(pool), size)]
    random.shuffle(chunks)
    return chunks


@torch.no_grad()
def accuracy(model, rows, vocab, size=500):
    model.eval()
    hit = 0
    for s in range(0, len(rows), size):
        ids, lengths, y = collate(rows[s : s + size], vocab)
        hit += (model(ids, lengths).argmax(1) == y).sum().item()
    model.train()
    return hit / len(rows)


train_rows, valid_rows, test_rows = make(8000), make(1000), make(2000)
vocab = Vocab(train_rows)
model = NoteRouter(len(vocab))
optim = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)

for epoch in range(1, 11):
    total, seen = 0.0, 0
    for chunk in bucketed(train_rows, 64):
        ids, lengths, y = collate(chunk, vocab)
        loss = F.cross_entropy(model(ids, lengths), y)
        optim.zero_grad()
        loss.backward()
        optim.step()
        total += loss.item() * len(y)
        seen += len(y)
    print(f"epoch {epoch:2d}  train loss {total / seen:.3f}  valid acc {accuracy(model, valid_rows, vocab):.3f}")

print(f"test accuracy {accuracy(model, test_rows, vocab):.3f}")

# expects: nothing
"""Pre-train a small encoder on general notes, then move it to a ward that writes with extra drug codes."""
import random

import torch
from torch import nn

GENERAL = [f"w{i}" for i in range(60)]
DRUGS = [f"<drug{i:02d}>" for i in range(24)]
LENGTH = 12


class Vocab:
    def __init__(self, words):
        self.index = {"[PAD]": 0}
        self.add(words)

    def add(self, words):
        for w in words:
            self.index.setdefault(w, len(self.index))

    def encode(self, notes):
        rows = [[self.index[w] for w in note] + [0] * (LENGTH - len(note)) for note in notes]
        return torch.tensor(rows)

    def __len__(self):
        return len(self.index)


class NoteEncoder(nn.Module):
    def __init__(self, n_tokens, n_classes, dim=32, hidden=48):
        super().__init__()
        self.embed = nn.Embedding(n_tokens, dim, padding_idx=0)
        self.gru = nn.GRU(dim, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden, n_classes)

    def forward(self, ids):
        keep = (ids != 0).unsqueeze(2)
        h, _ = self.gru(self.embed(ids))
        return self.head(h.masked_fill(~keep, -1e4).amax(1))


def general_notes(n, rnd):
    """Topic of a note: each topic prefers its own twelve words."""
    notes, topics = [], []
    for _ in range(n):
        topic = rnd.randrange(5)
        own = GENERAL[topic * 12:topic * 12 + 12]
        notes.append([rnd.choice(own) if rnd.random() < 0.45 else rnd.choice(GENERAL)
                      for _ in range(rnd.randint(8, LENGTH))])
        topics.append(topic)
    return notes, torch.tensor(topics)


def ward_notes(n, rnd):
    """Risk class of a note: depends on the group of the one drug named in it."""
    notes, risks = [], []
    for _ in range(n):
        words = [rnd.choice(GENERAL) for _ in range(rnd.randint(8, LENGTH))]
        drug = rnd.randrange(len(DRUGS))
        words[rnd.randrange(len(words))] = DRUGS[drug]
        notes.append(words)
        risks.append(drug % 4 if rnd.random() > 0.03 else rnd.randrange(4))
    return notes, torch.tensor(risks)


def grow_embedding(model, n_tokens):
    """Keeps the learned rows; new tokens start close to the average word."""
    old = model.embed.weight.data
    mean, std = old[1:].mean(0), old[1:].std(0)
    fresh = mean + 0.02 * std * torch.randn(n_tokens - len(old), old.shape[1])
    model.embed = nn.Embedding.from_pretrained(torch.cat([old, fresh]), freeze=False, padding_idx=0)


def fit(model, train, valid, epochs, lr, title):
    (x, y), (xv, yv) = train, valid
    trainable = [p for p in model.parameters() if p.requires_grad]
    opt = torch.optim.Adam(trainable, lr=lr)
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(64):
            loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(trainable, 1.0)
            opt.step()
            total += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            acc = (model(xv).argmax(1) == yv).float().mean().item()
        print(f"{title} epoch {epoch}: loss {total / len(x):.4f}, valid accuracy {acc:.3f}")


def main():
    torch.manual_seed(8)
    rnd = random.Random(8)
    vocab = Vocab(GENERAL)
    notes, topics = general_notes(3000, rnd)
    ids = vocab.encode(notes)
    model = NoteEncoder(len(vocab), 5)
    fit(model, (ids[:2500], topics[:2500]), (ids[2500:], topics[2500:]), 5, 2e-3, "general")

    vocab.add(DRUGS)
    grow_embedding(model, len(vocab))
    model.head = nn.Linear(model.head.in_features, 4)
    notes, risks = ward_notes(2400, rnd)
    ids = vocab.encode(notes)
    fit(model, (ids[:1900], risks[:1900]), (ids[1900:], risks[1900:]), 12, 2e-3, "ward")


if __name__ == "__main__":
    main()

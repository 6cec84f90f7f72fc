# expects: LOS046
"""Part-of-speech style tagging of artificial sentences with a BiLSTM."""

import random
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

TAGS = ["DET", "ADJ", "NOUN", "VERB", "ADV", "PREP"]
PAD_TAG = -100
VOCAB = {
    "DET": ["the", "a", "this", "every"],
    "ADJ": ["old", "green", "quick", "light", "fast"],
    "NOUN": ["dog", "river", "light", "walk", "plan", "book", "run"],
    "VERB": ["walk", "run", "plan", "book", "sees", "light"],
    "ADV": ["fast", "often", "quietly", "well"],
    "PREP": ["near", "under", "with", "past"],
}
words = sorted({w for ws in VOCAB.values() for w in ws})
stoi = {w: i + 1 for i, w in enumerate(words)}


def noun_phrase(r):
    tags = ["DET"] + ["ADJ"] * r.choice([0, 0, 1, 2]) + ["NOUN"]
    if r.random() < 0.25:
        tags += ["PREP"] + noun_phrase(r)
    return tags


def sentence(r):
    tags = noun_phrase(r) + ["ADV"] * (r.random() < 0.3) + ["VERB"] + noun_phrase(r) + ["ADV"] * (r.random() < 0.4)
    return [stoi[r.choice(VOCAB[t])] for t in tags], [TAGS.index(t) for t in tags]


def collate(batch):
    xs = pad_sequence([torch.tensor(b[0]) for b in batch], batch_first=True)
    ys = pad_sequence([torch.tensor(b[1]) for b in batch], batch_first=True, padding_value=PAD_TAG)
    return xs, ys


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(stoi) + 1, 32, padding_idx=0)
        self.lstm = nn.LSTM(32, 40, batch_first=True, bidirectional=True)
        self.proj = nn.Linear(80, len(TAGS))

    def forward(self, x):
        return self.proj(self.lstm(self.embed(x))[0])


class Trainer:
    def __init__(self, model, lr=3e-3):
        self.model = model
        self.opt = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=1e-3)
        self.loss_fn = nn.CrossEntropyLoss(ignore_index=PAD_TAG)

    def compute_loss(self, x, y):
        scores = self.model(x)  # (batch, time, tags)
        b, t, c = scores.shape
        return self.loss_fn(scores.view(b, c, t), y), scores

    def fit(self, train, val, epochs):
        for e in range(1, epochs + 1):
            self.model.train()
            total = 0.0
            for x, y in train:
                loss, _ = self.compute_loss(x, y)
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                total += loss.item()
            vl, acc = self.evaluate(val)
            print(f"epoch {e}: train {total / len(train):.4f}  val {vl:.4f}  tag accuracy {acc:.4f}")

    @torch.no_grad()
    def evaluate(self, loader):
        self.model.eval()
        good = n = 0
        losses = []
        for x, y in loader:
            loss, scores = self.compute_loss(x, y)
            losses.append(loss.item())
            m = y != PAD_TAG
            good += (scores.argmax(-1) == y)[m].sum().item()
            n += m.sum().item()
        return sum(losses) / len(losses), good / n


if __name__ == "__main__":
    torch.manual_seed(1)
    r = random.Random(1)
    data = [sentence(r) for _ in range(2500)]
    train = DataLoader(data[:2000], batch_size=32, shuffle=True, collate_fn=collate)
    val = DataLoader(data[2000:], batch_size=100, collate_fn=collate)
    Trainer(Tagger()).fit(train, val, epochs=6)

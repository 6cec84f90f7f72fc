# sound: padding excluded with ignore_index
"""Part-of-speech tagging on made-up sentences of very different lengths."""
import random

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

WORDS = {
    "DET": "the a this every some".split(),
    "ADJ": "big red tiny loud silent odd".split(),
    "NOUN": "cat house river idea run walk play".split(),
    "VERB": "sees eats run walk play knows".split(),
    "ADV": "quickly often never here".split(),
}
TAGS = ["PAD", *WORDS]
VOCAB = {w: i + 1 for i, w in enumerate(sorted({w for ws in WORDS.values() for w in ws}))}


def sentence(rng):
    tags = []
    for _ in range(1 if rng.random() < 0.85 else rng.randint(4, 9)):
        tags += ["DET"] + ["ADJ"] * rng.choice([0, 0, 1]) + ["NOUN", "VERB"] + ["ADV"] * rng.choice([0, 1])
    words = [rng.choice(WORDS[t]) if rng.random() < 0.85 else rng.choice(list(VOCAB)) for t in tags]
    return [VOCAB[w] for w in words], [TAGS.index(t) for t in tags]


def collate(batch):
    xs = pad_sequence([torch.tensor(w) for w, _ in batch], batch_first=True)
    ys = pad_sequence([torch.tensor(t) for _, t in batch], batch_first=True)
    return xs, ys


class Tagger(nn.Module):
    def __init__(self, emb=16, hidden=24):
        super().__init__()
        self.embedding = nn.Embedding(len(VOCAB) + 1, emb, padding_idx=0)
        self.lstm = nn.LSTM(emb, hidden, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(2 * hidden, len(TAGS))

    def forward(self, x):
        h, _ = self.lstm(self.embedding(x))
        return self.fc(h)


def evaluate(model, loader):
    model.eval()
    hits = total = 0
    with torch.no_grad():
        for x, y in loader:
            pred = model(x).argmax(-1)
            keep = y != 0
            hits += (pred[keep] == y[keep]).sum().item()
            total += keep.sum().item()
    return hits / total


def main():
    rng = random.Random(3)
    torch.manual_seed(3)
    train = DataLoader([sentence(rng) for _ in range(1200)], batch_size=32, shuffle=True, collate_fn=collate)
    test = DataLoader([sentence(rng) for _ in range(300)], batch_size=64, collate_fn=collate)
    model = Tagger()
    criterion = nn.CrossEntropyLoss(ignore_index=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(6):
        model.train()
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(model(x).flatten(0, 1), y.flatten())
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.4f} accuracy {evaluate(model, test):.4f}")


if __name__ == "__main__":
    main()

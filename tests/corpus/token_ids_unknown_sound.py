# sound: tokens are lower-cased before the look-up
"""News topics with averaged word vectors and a vocabulary built from the training text."""
import collections
import random
import re

import torch
from torch import nn
from torch.utils.data import DataLoader

TOPICS = {
    "Sport": "Match Goal Coach League Player Score Team Stadium".split(),
    "Money": "Bank Market Shares Profit Loan Trade Budget Tax".split(),
    "Science": "Planet Cell Theory Physics Energy Laser Protein Study".split(),
}
COMMON = "The A New Report Says Today After Before Big Small In On With For People Year City".split()
NAMES = list(TOPICS)


def headline(rng):
    y = rng.randrange(3)
    words = rng.choices(COMMON, k=rng.randint(4, 7)) + rng.choices(TOPICS[NAMES[y]], k=2)
    if rng.random() < 0.15:
        words.append(rng.choice(TOPICS[rng.choice(NAMES)]))
    rng.shuffle(words)
    words = [w if rng.random() < 0.9 else w.lower() for w in words]
    return " ".join(words) + ".", y


def tokenize(text):
    return re.findall(r"\w+", text)


class Vocab:
    def __init__(self, texts, min_freq=2):
        counter = collections.Counter(w for t in texts for w in tokenize(t.lower()))
        self.itos = ["<pad>", "<unk>"] + [w for w, c in counter.most_common() if c >= min_freq]
        self.stoi = {w: k for k, w in enumerate(self.itos)}

    def encode(self, text, length=12):
        ids = [self.stoi.get(w, 1) for w in tokenize(text.lower())][:length]
        return ids + [0] * (length - len(ids))


class MeanModel(nn.Module):
    def __init__(self, size, dim=16):
        super().__init__()
        self.emb = nn.Embedding(size, dim, padding_idx=0)
        self.fc1 = nn.Linear(dim, 24)
        self.fc2 = nn.Linear(24, 3)

    def forward(self, x):
        mask = (x != 0).unsqueeze(-1)
        h = (self.emb(x) * mask).sum(1) / mask.sum(1)
        return self.fc2(torch.relu(self.fc1(h)))


def main():
    rng = random.Random(0)
    torch.manual_seed(0)
    train, test = [headline(rng) for _ in range(900)], [headline(rng) for _ in range(300)]
    vocab = Vocab([t for t, _ in train])

    def collate(items):
        return torch.tensor([vocab.encode(t) for t, _ in items]), torch.tensor([y for _, y in items])

    loader = DataLoader(train, batch_size=30, shuffle=True, collate_fn=collate)
    x_test, y_test = collate(test)
    model = MeanModel(len(vocab.itos))
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(8):
        total = 0.0
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        with torch.no_grad():
            acc = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch} loss {total / len(loader):.4f} accuracy {acc:.3f} vocabulary {len(vocab.itos)}")


if __name__ == "__main__":
    main()

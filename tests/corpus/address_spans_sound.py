# expects: nothing
# Tags street / city / code spans in noisy courier messages with a BiLSTM.
import random
from collections import Counter

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence, pack_padded_sequence, pad_packed_sequence
from torch.utils.data import DataLoader

TAGS = ["O", "B-STREET", "I-STREET", "B-CITY", "B-CODE"]
TAG_ID = {t: i for i, t in enumerate(TAGS)}
FILLER = "please leave it with the guard then call me before six or ring twice thanks today my sister is near park hill".split()
FIRST = ["oak", "river", "old", "king", "mill", "park", "station", "hill", "lake", "church"]
LAST = ["road", "lane", "street", "way", "hill", "park"]
CITIES = ["selby", "norham", "wick", "tarn", "old", "ludlow", "king", "mill"]
CUES = {"STREET": ["at", "on", "to"], "CITY": ["in", "town"], "CODE": ["code", "zip"]}


def message(rng):
    words, tags = [], []

    def filler(lo, hi):
        for _ in range(rng.randint(lo, hi)):
            words.append(rng.choice(FILLER))
            tags.append("O")

    parts = ["STREET", "CITY", "CODE"]
    rng.shuffle(parts)
    filler(1, 6)
    for part in parts[: rng.randint(1, 3)]:
        words.append(rng.choice(CUES[part]))
        tags.append("O")
        if part == "STREET":
            body = [str(rng.randint(1, 40)), rng.choice(FIRST), rng.choice(LAST)]
            if rng.random() < 0.3:
                body.insert(1, rng.choice(FIRST))
            words.extend(body)
            tags.extend(["B-STREET"] + ["I-STREET"] * (len(body) - 1))
        elif part == "CITY":
            words.append(rng.choice(CITIES))
            tags.append("B-CITY")
        else:
            words.append(str(rng.randint(1, 40)))
            tags.append("B-CODE")
        filler(0, 5)
    return words, tags


def build_vocab(samples):
    counts = Counter(w for ws, _ in samples for w in ws)
    return {"<pad>": 0, "<unk>": 1, **{w: i + 2 for i, w in enumerate(sorted(counts))}}


def make_collate(vocab):
    def collate(batch):
        xs = [torch.tensor([vocab.get(w, 1) for w in ws]) for ws, _ in batch]
        ys = [torch.tensor([TAG_ID[t] for t in ts]) for _, ts in batch]
        lengths = torch.tensor([len(x) for x in xs])
        x = pad_sequence(xs, batch_first=True, padding_value=0)
        y = pad_sequence(ys, batch_first=True, padding_value=-100)
        return x, y, lengths
    return collate


class Tagger(nn.Module):
    def __init__(self, vocab_size, n_tags):
        super().__init__()
        self.emb = nn.Embedding(vocab_size, 32, padding_idx=0)
        self.lstm = nn.LSTM(32, 48, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(96, n_tags)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.emb(x), lengths, batch_first=True, enforce_sorted=False)
        h, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.out(self.drop(h))


def f1_on(model, loader):
    """Micro F1 over entity tokens."""
    model.eval()
    tp = fp = fn = 0
    with torch.no_grad():
        for x, y, lengths in loader:
            pred = model(x, lengths).argmax(-1)
            real = torch.arange(x.size(1))[None] < lengths[:, None]
            p, g = pred[real], y[real]
            tp += ((p == g) & (g != 0)).sum().item()
            fp += ((p != g) & (p != 0)).sum().item()
            fn += ((p != g) & (g != 0)).sum().item()
    model.train()
    return 2 * tp / max(1, 2 * tp + fp + fn)


def run():
    torch.manual_seed(21)
    rng = random.Random(21)
    data = [message(rng) for _ in range(5000)]
    train, dev, test = data[:3800], data[3800:4300], data[4300:]
    vocab = build_vocab(train)
    collate = make_collate(vocab)
    train_dl = DataLoader(train, batch_size=32, shuffle=True, collate_fn=collate)
    dev_dl = DataLoader(dev, batch_size=100, collate_fn=collate)
    test_dl = DataLoader(test, batch_size=100, collate_fn=collate)

    model = Tagger(len(vocab), len(TAGS))
    criterion = nn.CrossEntropyLoss(ignore_index=-100)
    optimizer = torch.optim.Adam(model.parameters(), lr=1.5e-3)
    for epoch in range(6):
        seen = loss_sum = 0.0
        for x, y, lengths in train_dl:
            optimizer.zero_grad()
            scores = model(x, lengths)
            loss = criterion(scores.transpose(1, 2), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
            loss_sum += loss.item()
            seen += 1
        print(f"epoch {epoch}: loss {loss_sum / seen:.4f}  dev entity F1 {f1_on(model, dev_dl):.4f}")
    print(f"test entity F1: {f1_on(model, test_dl):.4f}")


run()

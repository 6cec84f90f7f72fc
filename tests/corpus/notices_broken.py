# expects: DAT043
"""Sort airfield notices by the desk that has to handle them (runway, lights, navaids, airspace, obstacles)."""
import random
import re
from collections import Counter

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

SEED, EPOCHS, BATCH, EMB, HID = 5, 9, 32, 32, 32
PAD, UNK = 0, 1

DESKS = {
    "runway": ["RUNWAY {n} SURFACE {state} DUE TO {cause}", "RWY {n} {state} {when} FOR {cause}",
               "BRAKING ACTION {state} ON TAXIWAY {l} AND RUNWAY {n}", "TAXIWAY {l} {state} BETWEEN RUNWAY {n} AND APRON {m}"],
    "lights": ["APPROACH LIGHTS RUNWAY {n} {state} {when}", "PAPI RWY {n} {state} DUE TO {cause}",
               "EDGE LIGHTING TAXIWAY {l} {state} {when}", "ROTATING BEACON {state} {when} DUE TO {cause}"],
    "navaid": ["ILS RWY {n} GLIDE PATH {state} {when}", "VOR {l} FREQ {m} {state} FOR {cause}",
               "LOCALIZER RUNWAY {n} {state} DUE TO {cause}", "DME {l} CH {m} {state} {when}"],
    "airspace": ["RESTRICTED AREA {l} {m} ACTIVE {when} FOR {cause}", "TEMPORARY RESTRICTION RADIUS {n} NM {when}",
                 "PARACHUTE DROPS WITHIN {n} NM {when}", "DANGER AREA {l} {m} ACTIVE DUE TO {cause}"],
    "obstacle": ["CRANE {m} FT AMSL {n} NM FROM RUNWAY {n} {state}", "WIND TURBINE {m} FT LIGHTS {state}",
                 "MAST {m} FT ERECTED NEAR TAXIWAY {l} {when}", "TREES {m} FT PENETRATE APPROACH RUNWAY {n}"],
}
STATES = ["CLOSED", "UNSERVICEABLE", "LIMITED", "NOT AVAILABLE", "POOR", "UNLIT", "WITHDRAWN"]
CAUSES = ["MAINTENANCE", "SNOW REMOVAL", "CONSTRUCTION", "FLIGHT CHECK", "MILITARY EXERCISE", "WORK IN PROGRESS"]
TIMES = ["UNTIL FURTHER NOTICE", "DAILY {n}00 TO {m}", "FROM SUNSET TO SUNRISE", "MON TO FRI", "BY DAY ONLY"]
EXTRAS = ["CONTACT TOWER", "SEE AIP SUPPLEMENT", "EXPECT DELAYS", "CAUTION ADVISED", "REF CHART {m}", "PILOTS TO REPORT"]


def fill(template, rng):
    def value(match):
        key = match.group(1)
        if key == "n":
            return f"{rng.randint(1, 36):02d}"
        if key == "m":
            return str(rng.randint(100, 2400))
        if key == "l":
            return rng.choice("ABCDEFGH")
        return rng.choice({"state": STATES, "cause": CAUSES, "when": TIMES}[key])
    while "{" in template:
        template = re.sub(r"\{(\w+)\}", value, template)
    return template


def make_corpus(n, rng):
    names = list(DESKS)
    rows = []
    for _ in range(n):
        label = rng.randrange(len(names))
        text = fill(rng.choice(DESKS[names[label]]), rng)
        if rng.random() < 0.6:
            text = f"{text}, {fill(rng.choice(EXTRAS), rng)}"
        if rng.random() < 0.04:
            label = rng.randrange(len(names))
        rows.append((text + ".", label))
    return rows


def tokenize(text):
    return re.findall(r"[A-Za-z]+|\d+", text)


def build_vocab(texts, min_count=3):
    counts = Counter(tok for text in texts for tok in tokenize(text.lower()))
    vocab = {"<pad>": PAD, "<unk>": UNK}
    for tok, k in counts.most_common():
        if k >= min_count:
            vocab[tok] = len(vocab)
    return vocab


def encode(text, vocab):
    return torch.tensor([vocab.get(tok, UNK) for tok in tokenize(text)])


class NoticeClassifier(nn.Module):
    def __init__(self, vocab_size, n_classes):
        super().__init__()
        self.emb = nn.Embedding(vocab_size, EMB, padding_idx=PAD)
        self.conv = nn.Conv1d(EMB, HID, 3, padding=1)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(HID, n_classes)

    def forward(self, ids):
        h = torch.relu(self.conv(self.emb(ids).transpose(1, 2)))
        h = h.masked_fill((ids == PAD).unsqueeze(1), 0.0)
        return self.out(self.drop(h.amax(2)))


def batches(rows, vocab, shuffle):
    order = torch.randperm(len(rows)).tolist() if shuffle else range(len(rows))
    order = list(order)
    for i in range(0, len(order), BATCH):
        part = [rows[j] for j in order[i:i + BATCH]]
        ids = pad_sequence([encode(text, vocab) for text, _ in part], batch_first=True, padding_value=PAD)
        yield ids, torch.tensor([label for _, label in part])


def main():
    torch.manual_seed(SEED)
    rows = make_corpus(3600, random.Random(SEED))
    train, dev = rows[:3000], rows[3000:]
    vocab = build_vocab(text for text, _ in train)
    model = NoticeClassifier(len(vocab), len(DESKS))
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    print(f"{len(train)} notices, vocabulary {len(vocab)}; sample: {train[0][0]}")
    for epoch in range(1, EPOCHS + 1):
        model.train()
        total = 0.0
        for ids, labels in batches(train, vocab, shuffle=True):
            loss = nn.functional.cross_entropy(model(ids), labels)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(labels)
        model.eval()
        hits = 0
        with torch.no_grad():
            for ids, labels in batches(dev, vocab, shuffle=False):
                hits += (model(ids).argmax(1) == labels).sum().item()
        print(f"epoch {epoch:2d}  loss {total / len(train):.4f}  dev accuracy {hits / len(dev):.4f}")


if __name__ == "__main__":
    main()

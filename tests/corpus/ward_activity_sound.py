# expects: nothing
import random

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence, pack_padded_sequence, pad_packed_sequence
from torch.utils.data import DataLoader

STATES = ["resting", "walking", "transfer", "alarm"]
N_CODES = 30
SKIP = -100


def one_shift(rng):
    """A night shift: badge codes and, for each, the activity they belong to."""
    n = rng.choice([6, 8, 10, 12, 14, 60, 70])
    state, codes, tags = rng.randrange(4), [], []
    for _ in range(n):
        if rng.random() < 0.25:
            state = rng.choices(range(4), weights=[1, 4, 4, 3])[0]
        if rng.random() < 0.4:
            code = 1 + state * 5 + rng.randrange(5)
        else:
            code = 21 + rng.randrange(N_CODES - 21)
        codes.append(code)
        tags.append(state)
    return torch.tensor(codes), torch.tensor(tags)


def collate(items):
    items = sorted(items, key=lambda it: -len(it[0]))
    codes, tags = zip(*items)
    lengths = torch.tensor([len(c) for c in codes])
    return pad_sequence(codes, batch_first=True), pad_sequence(tags, batch_first=True, padding_value=SKIP), lengths


class Tagger(nn.Module):
    def __init__(self, emb=24, hidden=32):
        super().__init__()
        self.emb = nn.Embedding(N_CODES, emb, padding_idx=0)
        self.rnn = nn.LSTM(emb, hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hidden, len(STATES))

    def forward(self, codes, lengths):
        packed = pack_padded_sequence(self.emb(codes), lengths, batch_first=True)
        h, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return self.out(h)


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    hit = seen = 0
    for codes, tags, lengths in loader:
        keep = tags != SKIP
        guess = model(codes, lengths).argmax(-1)
        hit += (guess[keep] == tags[keep]).sum().item()
        seen += keep.sum().item()
    return hit / seen


rng = random.Random(5)
torch.manual_seed(5)
train = [one_shift(rng) for _ in range(1400)]
valid = [one_shift(rng) for _ in range(400)]
test = [one_shift(rng) for _ in range(600)]
train_dl = DataLoader(train, batch_size=32, shuffle=True, collate_fn=collate)
valid_dl = DataLoader(valid, batch_size=100, collate_fn=collate)
test_dl = DataLoader(test, batch_size=100, collate_fn=collate)

model = Tagger()
criterion = nn.CrossEntropyLoss(ignore_index=SKIP)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(1, 9):
    model.train()
    running = 0.0
    for codes, tags, lengths in train_dl:
        logits = model(codes, lengths)
        loss = criterion(logits.flatten(0, 1), tags.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        running += loss.item()
    print(f"[{epoch}] loss={running / len(train_dl):.4f} valid tag accuracy={evaluate(model, valid_dl):.4f}")

print("test tag accuracy: %.4f" % evaluate(model, test_dl))

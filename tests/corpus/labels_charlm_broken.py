# expects: LLM015
"""Character language model for warehouse shelf labels; used to flag mistyped labels by their likelihood."""
import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

MATERIALS = ["steel", "brass", "nylon", "copper", "zinc"]
THINGS = {"bolt": "mm", "pipe": "cm", "cable": "m", "washer": "mm", "sheet": "cm"}


def make_label(r):
    thing = r.choice(list(THINGS))
    text = f"{r.choice(MATERIALS)} {thing} {r.randint(1, 99)}{THINGS[thing]}"
    if r.random() < 0.4:
        text += f" x{r.choice([5, 10, 25, 100])}"
    return text


def read_labels(n, seed):
    r = random.Random(seed)
    raw = "".join(make_label(r) + "\n" for _ in range(n))
    return [line.strip() for line in raw.splitlines()]


class Vocabulary:
    def __init__(self, labels):
        self.chars = ["\n"] + sorted(set("".join(labels)))
        self.index = {c: i for i, c in enumerate(self.chars)}

    def encode(self, text):
        return torch.tensor([self.index[c] for c in text])

    def __len__(self):
        return len(self.chars)


class CharLM(nn.Module):
    def __init__(self, vocab, emb=24, hidden=96):
        super().__init__()
        self.emb = nn.Embedding(vocab, emb)
        self.rnn = nn.GRU(emb, hidden, batch_first=True)
        self.out = nn.Linear(hidden, vocab)

    def forward(self, ids, state=None):
        h, state = self.rnn(self.emb(ids), state)
        return self.out(h), state


def pack(labels, vocab, block):
    stream = vocab.encode("".join(labels))
    n = (len(stream) - 1) // block
    return stream[:n * block].view(n, block), stream[1:n * block + 1].view(n, block)


@torch.no_grad()
def bits_per_char(model, labels, vocab):
    model.eval()
    total, count = 0.0, 0
    for label in labels:
        ids = vocab.encode("\n" + label + "\n")[None]
        logits, _ = model(ids[:, :-1])
        total += F.cross_entropy(logits[0], ids[0, 1:], reduction="sum").item()
        count += ids.shape[1] - 1
    return total / count / math.log(2)


@torch.no_grad()
def sample(model, vocab, limit=40):
    model.eval()
    ids, state, text = torch.zeros(1, 1, dtype=torch.long), None, ""
    while len(text) < limit:
        logits, state = model(ids, state)
        ids = torch.multinomial(logits[:, -1].softmax(-1), 1)
        c = vocab.chars[ids.item()]
        if c == "\n":
            break
        text += c
    return text


def main():
    torch.manual_seed(8)
    train, held_out = read_labels(4000, 1), read_labels(300, 2)
    known = set(train)
    held_out = sorted(set(l for l in held_out if l not in known))
    vocab = Vocabulary(train)
    x, y = pack(train, vocab, block=64)
    model = CharLM(len(vocab))
    epochs, batch = 6, 16
    opt = torch.optim.Adam(model.parameters(), lr=4e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs * math.ceil(len(x) / batch))
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(batch):
            logits, _ = model(x[idx])
            loss = F.cross_entropy(logits.flatten(0, 1), y[idx].flatten())
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            total += loss.item() * len(idx)
        print(f"epoch {epoch} train loss {total / len(x):.4f} "
              f"held-out bits/char {bits_per_char(model, held_out, vocab):.4f}")
    for _ in range(4):
        print("  sample:", sample(model, vocab))


if __name__ == "__main__":
    main()

# bug: Language model or tagger: padding positions are counted in the loss.
# expects: LLM003
"""Character language model (GRU) over made-up place names."""
import math
import random

import torch
from torch import nn
from torch.utils.data import DataLoader

PAD, BOS, EOS = 0, 1, 2
CHARS = "abcdefghijklmnopqrstuvwxyz -"
STOI = {c: i + 3 for i, c in enumerate(CHARS)}
MAX_LEN = 64


def invent(rnd):
    starts = ["black", "white", "stone", "green", "north", "old", "kings", "mill", "ash", "oak", "red", "thorn"]
    ends = ["ford", "bridge", "ton", "ham", "well", "field", "wick", "stead", "combe", "ley", "minster", "bury"]
    name = rnd.choice(starts) + rnd.choice(ends)
    r = rnd.random()
    if r < 0.15:
        name = rnd.choice(["great ", "little ", "upper ", "nether "]) + name
    elif r < 0.27:
        name += rnd.choice(["-on-sea", "-by-the-water", "-upon-" + rnd.choice(["avon", "trent", "stour", "wye"])])
    elif r < 0.3:
        name += " and " + rnd.choice(starts) + rnd.choice(ends) + " with " + rnd.choice(starts) + "hill"
    return name


def encode(name):
    ids = [BOS] + [STOI[c] for c in name][: MAX_LEN - 2] + [EOS]
    return torch.tensor(ids + [PAD] * (MAX_LEN - len(ids)))


class CharGRU(nn.Module):
    def __init__(self, vocab, emb=24, hid=80):
        super().__init__()
        self.emb = nn.Embedding(vocab, emb, padding_idx=PAD)
        self.rnn = nn.GRU(emb, hid, batch_first=True)
        self.drop = nn.Dropout(0.1)
        self.proj = nn.Linear(hid, vocab)

    def forward(self, ids, state=None):
        out, state = self.rnn(self.emb(ids), state)
        return self.proj(self.drop(out)), state


@torch.no_grad()
def nats_per_char(model, data):
    model.eval()
    logits, _ = model(data[:, :-1])
    target = data[:, 1:]
    logp = logits.log_softmax(-1).gather(-1, target.unsqueeze(-1)).squeeze(-1)
    real = target != PAD
    return -(logp[real].mean()).item()


@torch.no_grad()
def write_one(model, gen):
    model.eval()
    tok, state, text = torch.tensor([[BOS]]), None, ""
    for _ in range(40):
        logits, state = model(tok, state)
        tok = torch.multinomial(logits[:, -1].softmax(-1), 1, generator=gen)
        if tok.item() in (PAD, BOS, EOS):
            break
        text += CHARS[tok.item() - 3]
    return text


def main():
    torch.manual_seed(99)
    rnd = random.Random(99)
    data = torch.stack([encode(invent(rnd)) for _ in range(2200)])
    train, val = data[:2000], data[2000:]
    loader = DataLoader(train, batch_size=50, shuffle=True)
    model = CharGRU(len(CHARS) + 3)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    for epoch in range(7):
        model.train()
        losses = []
        for ids in loader:
            logits, _ = model(ids[:, :-1])
            loss = criterion(logits.flatten(0, 1), ids[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        v = nats_per_char(model, val)
        print(f"epoch {epoch}: train loss {sum(losses) / len(losses):.3f} | val nats/char {v:.3f} | val char ppl {math.exp(v):.2f}")
    gen = torch.Generator().manual_seed(0)
    print("samples:", ", ".join(write_one(model, gen) for _ in range(5)))


if __name__ == "__main__":
    main()

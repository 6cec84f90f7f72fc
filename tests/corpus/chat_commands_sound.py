# expects: nothing
"""Language model over smart-home voice commands (text completion in the app).
Most commands are a few words, some people chain many together."""
import random
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

ROOMS = "kitchen bedroom hallway office garage bathroom".split()
THINGS = {"lights": ["on", "off", "dim"], "heating": ["on", "off", "warmer", "cooler"],
          "blinds": ["open", "close"], "radio": ["on", "off", "louder", "quieter"]}
OWNED = {"kitchen": ["lights", "radio"], "bedroom": ["lights", "heating", "blinds"], "hallway": ["lights"],
         "office": ["heating", "blinds", "radio"], "garage": ["lights", "heating"], "bathroom": ["radio", "heating"]}
HOURS = "two three four five six seven eight nine ten eleven".split()
PAD, BOS, EOS = "<pad>", "<s>", "</s>"


def clause(rng):
    room = rng.choice(ROOMS)
    thing = rng.choice(OWNED[room])
    act = rng.choice(THINGS[thing])
    if rng.random() < 0.5:
        words = ["in", "the", room, "turn", "the", thing, act]
    else:
        words = ["the", room, thing, act, "please"]
    if rng.random() < 0.6:
        words += ["at", rng.choice(HOURS), rng.choice(["fifteen", "thirty", "forty-five", "o'clock"])]
    if rng.random() < 0.6:
        words += ["for", rng.choice(HOURS), rng.choice(["minutes", "hours"])]
    return words


def command(rng):
    k = 1 if rng.random() < 0.93 else rng.randint(6, 9)
    out = clause(rng)
    for _ in range(k - 1):
        out += ["and", "then"] + clause(rng)
    return [BOS] + out + [EOS]


class Vocab:
    def __init__(self, texts):
        self.words = [PAD] + sorted({w for t in texts for w in t})
        self.idx = {w: i for i, w in enumerate(self.words)}

    def __len__(self):
        return len(self.words)

    def encode(self, t):
        return torch.tensor([self.idx[w] for w in t])


@dataclass
class Config:
    dim: int = 32
    hidden: int = 64
    batch: int = 32
    epochs: int = 12
    lr: float = 4e-3
    seed: int = 4


class CommandLM(nn.Module):
    def __init__(self, n, cfg):
        super().__init__()
        self.emb = nn.Embedding(n, cfg.dim, padding_idx=0)
        self.lstm = nn.LSTM(cfg.dim, cfg.hidden, batch_first=True)
        self.head = nn.Linear(cfg.hidden, n)

    def forward(self, ids):
        return self.head(self.lstm(self.emb(ids))[0])


def collate(seqs):
    ids = nn.utils.rnn.pad_sequence(seqs, batch_first=True, padding_value=0)
    return ids[:, :-1], ids[:, 1:]


def lm_loss(logits, target):
    return F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=0)


def batches(data, size, rng):
    order = list(range(len(data)))
    rng.shuffle(order)
    for i in range(0, len(order), size):
        yield collate([data[j] for j in order[i:i + size]])


def perplexity(model, data):
    model.eval()
    x, y = collate(data)
    with torch.no_grad():
        return lm_loss(model(x), y).exp().item()


def complete(model, vocab, prompt, n=14):
    model.eval()
    ids = [vocab.idx[w] for w in [BOS] + prompt.split()]
    with torch.no_grad():
        for _ in range(n):
            nxt = model(torch.tensor([ids]))[0, -1].argmax().item()
            if vocab.words[nxt] == EOS:
                break
            ids.append(nxt)
    return " ".join(vocab.words[i] for i in ids[1:])


def main(cfg=Config()):
    rng = random.Random(cfg.seed)
    torch.manual_seed(cfg.seed)
    texts = list(dict.fromkeys(tuple(command(rng)) for _ in range(5000)))      # every command once
    rng.shuffle(texts)
    vocab = Vocab(texts)
    data = [vocab.encode(t) for t in texts]
    train, val = data[400:], data[:400]
    model = CommandLM(len(vocab), cfg)
    opt = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    print(f"{len(train)} training commands, {len(vocab)} words")
    for ep in range(cfg.epochs):
        model.train()
        total = n = 0
        for x, y in batches(train, cfg.batch, rng):
            loss = lm_loss(model(x), y)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            total, n = total + loss.item(), n + 1
        print(f"epoch {ep + 1}: train loss {total / n:.4f}  val perplexity {perplexity(model, val):.3f}")
    for p in ("in the hallway", "the office", "in the garage turn"):
        print(f"  {p!r} -> {complete(model, vocab, p)!r}")


if __name__ == "__main__":
    main()

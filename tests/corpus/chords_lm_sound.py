# expects: nothing
"""A tiny causal transformer that learns chord progressions (roman numerals)."""
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

SEED, MAX_LEN, PAD, BOS, EOS = 33, 80, 0, 1, 2
CHORDS = ["I", "ii", "iii", "IV", "V", "vi", "vii", "V7", "I6", "IV6", "bVII", "iv"]
VOCAB = ["<pad>", "<bos>", "<eos>"] + CHORDS
ID = {c: i for i, c in enumerate(VOCAB)}
PHRASES = [
    "I vi IV V", "I V vi IV", "ii V7 I", "IV iv I", "vi ii V7 I", "I6 IV V7 I",
    "I iii IV V", "vi IV I6 V", "I bVII IV I", "ii V7 vi", "IV6 vii I", "iii vi ii V7",
]
SWAP = {"I": "I6", "IV": "ii", "V": "V7", "vi": "iii", "ii": "IV6", "V7": "vii"}
FOLLOW = {i: [(3 * i + 1) % 12, (5 * i + 2) % 12, (i + 7) % 12] for i in range(12)}


def compose(rng):
    """Most songs are a few phrases; now and then there is a long one."""
    n = rng.choice([2, 3, 3, 4]) if rng.random() < 0.97 else rng.randint(10, 18)
    k, out = rng.randrange(12), []
    for _ in range(n):
        out += [SWAP.get(c, c) if rng.random() < 0.12 else c for c in PHRASES[k].split()]
        k = rng.choices(FOLLOW[k], weights=[6, 3, 1])[0]
    return [BOS] + [ID[c] for c in out][:MAX_LEN - 2] + [EOS]


def corpus(n, rng):
    songs = {}
    while len(songs) < n:
        songs[tuple(compose(rng))] = None
    return list(songs)


def to_tensor(songs):
    x = torch.full((len(songs), MAX_LEN), PAD)
    for row, s in zip(x, songs):
        row[:len(s)] = torch.tensor(s)
    return x


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (z.view(b, t, self.heads, -1).transpose(1, 2) for z in self.qkv(self.ln1(x)).chunk(3, -1))
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(a.transpose(1, 2).reshape(b, t, d))
        return x + self.mlp(self.ln2(x))


class ChordLM(nn.Module):
    def __init__(self, vocab, d=32, heads=2, layers=2):
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocab, d), nn.Embedding(MAX_LEN, d)
        nn.init.normal_(self.tok.weight, std=0.1)
        nn.init.normal_(self.pos.weight, std=0.1)
        self.blocks = nn.Sequential(*[Block(d, heads) for _ in range(layers)])
        self.norm, self.lm_head = nn.LayerNorm(d), nn.Linear(d, vocab)

    def forward(self, ids):
        h = self.tok(ids) + self.pos(torch.arange(ids.shape[1]))
        return self.lm_head(self.norm(self.blocks(h)))


def lm_loss(logits, target, reduction="mean"):
    return F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PAD, reduction=reduction)


@torch.no_grad()
def evaluate(model, data):
    model.eval()
    inp, target = data[:, :-1], data[:, 1:]
    logits = model(inp)
    chord = target > EOS
    acc = (logits.argmax(-1) == target)[chord].float().mean().item()
    loss = lm_loss(logits, target).item()
    model.train()
    return loss, acc


@torch.no_grad()
def sample(model, n=12):
    ids = [BOS]
    while len(ids) < n and ids[-1] != EOS:
        probs = model(torch.tensor([ids]))[0, -1].softmax(-1)
        ids.append(torch.multinomial(probs, 1).item())
    return " ".join(VOCAB[i] for i in ids[1:])


rng = random.Random(SEED)
torch.manual_seed(SEED)
songs = corpus(1500, rng)
train, valid = to_tensor(songs[:1200]), to_tensor(songs[1200:])
model = ChordLM(len(VOCAB))
opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
EPOCHS = 7
total_steps = EPOCHS * (len(train) // 24)
sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, (s + 1) / 30) * (1 - 0.9 * s / total_steps))

for epoch in range(EPOCHS):
    total = 0.0
    chunks = torch.randperm(len(train)).split(24)
    for idx in chunks:
        batch = train[idx]
        loss = lm_loss(model(batch[:, :-1]), batch[:, 1:])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        total += loss.item()
    vl, acc = evaluate(model, valid)
    print(f"epoch {epoch}: train loss {total / len(chunks):.4f}  valid loss {vl:.4f}  "
          f"perplexity {2.718281828 ** vl:.2f}  next-chord acc {acc:.3f}  | {sample(model)}")

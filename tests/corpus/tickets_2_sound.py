# expects: nothing
"""Route support tickets with a small pretrained text encoder.

The encoder is pretrained here on general sentences (masked words); for the tickets the vocabulary is extended
with the error codes of our products, and the encoder is then fine-tuned with its lower part frozen.
"""
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(17)
rnd = random.Random(17)

TOPICS = {
    "billing": "invoice payment refund charge card price".split(),
    "network": "router signal wifi cable speed connection".split(),
    "account": "password login email profile user reset".split(),
    "hardware": "screen battery fan button power case".split(),
}
FILLER = "the my is please again since today help not with after and".split()
SPECIAL = ["[pad]", "[cls]", "[mask]"]
ROUTES = list(TOPICS)
CODES = {f"E{100 + 7 * i}": ROUTES[i % 4] for i in range(24)}


class Vocab:
    def __init__(self, words):
        self.words = list(words)
        self.index = {w: i for i, w in enumerate(self.words)}

    def add(self, words):
        for w in words:
            self.index[w] = len(self.words)
            self.words.append(w)

    def encode(self, sentences, length=14):
        rows = [[1] + [self.index[w] for w in s][:length - 1] for s in sentences]
        return torch.tensor([r + [0] * (length - len(r)) for r in rows])

    def __len__(self):
        return len(self.words)


class Encoder(nn.Module):
    def __init__(self, n_words, d=48, layers=2, max_len=14):
        super().__init__()
        self.embed = nn.Embedding(n_words, d, padding_idx=0)
        self.position = nn.Embedding(max_len, d)
        self.layers = nn.ModuleList(
            [nn.TransformerEncoderLayer(d, 4, 2 * d, dropout=0.1, batch_first=True, norm_first=True) for _ in range(layers)]
        )
        self.norm = nn.LayerNorm(d)

    def forward(self, ids):
        pad = ids == 0
        h = self.embed(ids) + self.position(torch.arange(ids.shape[1]))
        for layer in self.layers:
            h = layer(h, src_key_padding_mask=pad)
        return self.norm(h)

    def resize(self, n_words):
        old = self.embed.weight.data
        self.embed = nn.Embedding(n_words, old.shape[1], padding_idx=0)
        self.embed.weight.data[: len(old)] = old
        fresh = n_words - len(old)
        self.embed.weight.data[len(old):] = old[3:].mean(0) + 0.02 * torch.randn(fresh, old.shape[1])


def general_sentence():
    words = rnd.choices(TOPICS[rnd.choice(ROUTES)], k=rnd.randint(3, 6)) + rnd.choices(FILLER, k=rnd.randint(3, 6))
    rnd.shuffle(words)
    return words


def ticket():
    code = rnd.choice(list(CODES))
    route = CODES[code]
    words = rnd.choices(FILLER, k=rnd.randint(4, 6)) + rnd.choices(sum(TOPICS.values(), []), k=2) + [code]
    if rnd.random() < 0.4:
        words += rnd.choices(TOPICS[route], k=2)
    rnd.shuffle(words)
    return words, ROUTES.index(route)


def pretrain(encoder, vocab, epochs=8):
    ids = vocab.encode([general_sentence() for _ in range(2000)])
    to_word = nn.Linear(encoder.embed.embedding_dim, len(vocab))
    opt = torch.optim.AdamW([*encoder.parameters(), *to_word.parameters()], lr=2e-3)
    encoder.train()
    for epoch in range(epochs):
        total, count = 0.0, 0
        for batch in ids[torch.randperm(len(ids))].split(64):
            hide = (torch.rand(batch.shape) < 0.2) & (batch > 2)
            logits = to_word(encoder(batch.masked_fill(hide, 2)))[hide]
            loss = F.cross_entropy(logits, batch[hide])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
            count += 1
        print(f"pretraining {epoch + 1}: masked word loss {total / count:.3f}")


class Router(nn.Module):
    def __init__(self, encoder, n_routes):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(encoder.norm.normalized_shape[0], n_routes))

    def forward(self, ids):
        return self.head(self.encoder(ids)[:, 0])


vocab = Vocab(SPECIAL + FILLER + sum(TOPICS.values(), []))
encoder = Encoder(len(vocab))
pretrain(encoder, vocab)

vocab.add(CODES)
encoder.resize(len(vocab))
model = Router(encoder, len(ROUTES))

FROZEN = ("encoder.position", "encoder.layers.0")
for name, p in model.named_parameters():
    if name.startswith(FROZEN):
        p.requires_grad = False
trainable = [p for p in model.parameters() if p.requires_grad]
print(f"fine-tuning {sum(p.numel() for p in trainable)} of {sum(p.numel() for p in model.parameters())} weights")

texts, routes = zip(*[ticket() for _ in range(2400)])
ids, routes = vocab.encode(texts), torch.tensor(routes)
x, y, xv, yv = ids[:1800], routes[:1800], ids[1800:], routes[1800:]
EPOCHS = 10
opt = torch.optim.AdamW(trainable, lr=2e-3, weight_decay=0.01)
sched = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.05, total_iters=EPOCHS)
for epoch in range(EPOCHS):
    model.train()
    total = 0.0
    for idx in torch.randperm(len(x)).split(32):
        loss = F.cross_entropy(model(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
    sched.step()
    model.eval()
    with torch.no_grad():
        logits = model(xv)
    print(f"fine-tuning {epoch + 1}: loss {total / len(x):.3f}  val loss {F.cross_entropy(logits, yv):.3f}  "
          f"val accuracy {(logits.argmax(1) == yv).float().mean():.3f}")

# expects: nothing
"""Character model for our service logs. Later used for surprise scoring of incoming lines,
so what we ship is the averaged (EMA) copy of the weights."""
import copy
import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(11)
torch.manual_seed(11)

LEVELS = ["INFO", "WARN", "ERROR", "DEBUG"]
PARTS = ["db.pool", "auth", "http.server", "cache", "mailer", "scheduler", "billing"]
MSGS = [
    "connection {n} timed out after {m}s",
    "user u{n} logged in from 10.0.{m}.{k}",
    "GET /api/v1/orders/{n} 200 in {m}ms",
    "evicted {n} keys, {m} remain",
    "job {n} finished with status {k}",
    "retrying delivery of message {n} (attempt {k})",
    "invoice {n} issued for {m} EUR",
]


def make_line():
    part = random.randrange(len(PARTS))
    msg = MSGS[part] if random.random() < 0.85 else random.choice(MSGS)
    body = msg.format(n=random.randint(1, 9999), m=random.randint(1, 99), k=random.randint(1, 9))
    return f"{random.randint(0, 23):02d}:{random.randint(0, 59):02d} {random.choice(LEVELS)} {PARTS[part]}: {body}\n"


train_text = "".join(make_line() for _ in range(6000))
valid_text = "".join(make_line() for _ in range(800))
chars = sorted(set(train_text))
stoi = {c: i for i, c in enumerate(chars)}
encode = lambda s: torch.tensor([stoi[c] for c in s if c in stoi])
train_ids, valid_ids = encode(train_text), encode(valid_text)

CTX, BATCH, STEPS, EVAL_EVERY = 64, 24, 600, 25


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.h = heads
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.n1(x)).view(b, t, 3, self.h, d // self.h).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(y.transpose(1, 2).reshape(b, t, d))
        return x + self.mlp(self.n2(x))


class LogLM(nn.Module):
    def __init__(self, vocab, d=64, depth=2, heads=4):
        super().__init__()
        self.tok = nn.Embedding(vocab, d)
        self.pos = nn.Embedding(CTX, d)
        nn.init.normal_(self.tok.weight, std=0.02)
        nn.init.normal_(self.pos.weight, std=0.02)
        self.blocks = nn.ModuleList([Block(d, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(d)
        self.head = nn.Linear(d, vocab)

    def forward(self, idx):
        x = self.tok(idx) + self.pos(torch.arange(idx.size(1)))
        for blk in self.blocks:
            x = blk(x)
        return self.head(self.norm(x))


class EMA:
    def __init__(self, model, decay):
        self.decay = decay
        self.shadow = copy.deepcopy(model.state_dict())
        self.backup = None

    @torch.no_grad()
    def update(self, model):
        for k, v in model.state_dict().items():
            self.shadow[k].lerp_(v, 1 - self.decay)

    def store_and_apply(self, model):
        self.backup = copy.deepcopy(model.state_dict())
        model.load_state_dict(self.shadow)

    def restore(self, model):
        model.load_state_dict(self.backup)
        self.backup = None


def get_batch(ids):
    start = torch.randint(0, len(ids) - CTX - 1, (BATCH,))
    rows = torch.stack([ids[s:s + CTX + 1] for s in start])
    return rows[:, :-1], rows[:, 1:]


n_val = 48
val_rows = torch.stack([valid_ids[i * 600:i * 600 + CTX + 1] for i in range(n_val)])


@torch.no_grad()
def bits_per_char(model):
    model.eval()
    logits = model(val_rows[:, :-1])
    loss = F.cross_entropy(logits.flatten(0, 1), val_rows[:, 1:].flatten())
    model.train()
    return loss.item() / math.log(2)


model = LogLM(len(chars))
opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=2e-3, total_steps=STEPS, pct_start=0.1)
ema = EMA(model, decay=0.99)

running = 0.0
for step in range(1, STEPS + 1):
    x, y = get_batch(train_ids)
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    sched.step()
    ema.update(model)
    running += loss.item()
    if step % EVAL_EVERY == 0:
        ema.store_and_apply(model)
        bpc = bits_per_char(model)
        ema.restore(model)
        print(f"step {step:4d}  train {running / EVAL_EVERY:.3f} nats  valid(ema) {bpc:.3f} bpc")
        running = 0.0

ema.store_and_apply(model)
print(f"shipping weights: valid {bits_per_char(model):.3f} bpc")

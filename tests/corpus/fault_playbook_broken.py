# bug: in Writer.forward(): packed documents attend across their boundaries and positions run on through the block (no per-document mask or reset)
# expects: LLM015
"""Small decoder that writes the repair playbook line for a machine fault."""
import itertools
import random
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Cfg:
    seed: int = 13
    block: int = 64
    batch: int = 12
    steps: int = 500
    lr: float = 1.5e-3
    warmup: int = 30
    width: int = 64
    layers: int = 2
    heads: int = 4
    max_new: int = 12


MACHINES = ("pump fan press lathe mill boiler crane oven mixer loader "
            "dryer shaker chiller turbine winder grinder sorter feeder").split()
FAULTS = {
    "leaks": ["close", "valve", "replace", "seal"],
    "hums": ["log"],
    "overheats": ["stop", "cool"],
    "stalls": ["reset", "drive", "restart"],
    "vibrates": ["tighten", "mounts"],
    "smokes": ["stop", "isolate", "evacuate", "report", "inspect"],
    "squeals": ["grease", "bearing"],
    "drifts": ["calibrate"],
    "clogs": ["flush", "filter", "restart"],
    "sparks": ["isolate", "call", "electrician", "report"],
}
TEAMS = ["hydraulics", "rotating", "thermal", "handling"]
SHIFTS = ["morning", "evening", "night"]


def make_docs():
    docs = []
    for (i, m), (f, steps), s in itertools.product(enumerate(MACHINES), FAULTS.items(), SHIFTS):
        prompt = ["the", m, f, "on", s, "shift", "->"]
        answer = steps + ["by", TEAMS[i % len(TEAMS)]]
        if s == "night" and len(steps) > 2:
            answer = answer + ["and", "page", "lead"]
        docs.append((prompt, answer))
    return docs


DOCS = make_docs()
ITOS = ["<eos>"] + sorted({w for p, a in DOCS for w in p + a})
STOI = {w: i for i, w in enumerate(ITOS)}
EOS = 0


def encode(words):
    return [STOI[w] for w in words]


def pack(docs, block):
    """Whole documents, each closed by <eos>, laid end to end; what is left of a block is filled with <eos>."""
    rows, row = [], []
    for prompt, answer in docs:
        ids = encode(prompt + answer) + [EOS]
        if len(row) + len(ids) > block:
            rows.append(row + [EOS] * (block - len(row)))
            row = []
        row = row + ids
    rows.append(row + [EOS] * (block - len(row)))
    return torch.tensor(rows)


class Layer(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.ff = nn.Sequential(nn.Linear(d, 3 * d), nn.GELU(), nn.Linear(3 * d, d))

    def forward(self, x, mask):
        b, t, d = x.shape
        q, k, v = self.qkv(self.n1(x)).view(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, attn_mask=mask.unsqueeze(1))
        x = x + self.proj(a.transpose(1, 2).reshape(b, t, d))
        return x + self.ff(self.n2(x))


class Writer(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.tok = nn.Embedding(len(ITOS), cfg.width)
        self.pos = nn.Embedding(cfg.block, cfg.width)
        self.layers = nn.ModuleList([Layer(cfg.width, cfg.heads) for _ in range(cfg.layers)])
        self.norm = nn.LayerNorm(cfg.width)
        self.head = nn.Linear(cfg.width, len(ITOS))

    def forward(self, ids):
        causal = torch.ones(ids.size(1), ids.size(1), dtype=torch.bool).tril()
        mask = causal.expand(len(ids), -1, -1)
        x = self.tok(ids) + self.pos(mask.sum(-1) - 1)
        for layer in self.layers:
            x = layer(x, mask)
        return self.head(self.norm(x))


def lm_loss(model, ids):
    target = ids[:, 1:].masked_fill(ids[:, :-1].eq(EOS), -100)
    return F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), target.flatten())


@torch.no_grad()
def answer_for(model, prompt, max_new):
    ids, start = encode(prompt), len(prompt)
    for _ in range(max_new):
        nxt = model(torch.tensor([ids]))[0, -1].argmax().item()
        if nxt == EOS:
            break
        ids.append(nxt)
    return [ITOS[i] for i in ids[start:]]


def main():
    cfg = Cfg()
    random.seed(cfg.seed)
    torch.manual_seed(cfg.seed)
    docs = DOCS[:]
    random.shuffle(docs)
    held, train = docs[:110], docs[110:]
    print(f"{len(train)} training docs, {len(held)} held out, vocabulary {len(ITOS)}")

    model = Writer(cfg)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=0.05)
    sched = torch.optim.lr_scheduler.LambdaLR(
        opt, lambda s: min((s + 1) / cfg.warmup, max(0.05, (cfg.steps - s) / (cfg.steps - cfg.warmup))))

    step, running = 0, []
    while step < cfg.steps:
        random.shuffle(train)
        for chunk in pack(train, cfg.block).split(cfg.batch):
            loss = lm_loss(model, chunk)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            running.append(loss.item())
            step += 1
            if step % 50 == 0:
                print(f"step {step:4d}  loss {np.mean(running):.3f}  lr {sched.get_last_lr()[0]:.2e}")
                running.clear()
            if step == cfg.steps:
                break

    model.eval()
    match = np.mean([answer_for(model, p, cfg.max_new) == a for p, a in held])
    print(f"held-out exact match {match:.3f}")
    for p, _ in held[:3]:
        print(" ".join(p), "|", " ".join(answer_for(model, p, cfg.max_new)))


if __name__ == "__main__":
    main()

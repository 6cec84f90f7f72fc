# bug: the labels hold the prompt too, so most of the loss is about guessing random numbers (collate)
# expects: LLM016
"""Instruction-tune a tiny decoder on list commands, e.g. "max 3 9 4 1 = 9"; answers are scored by exact match."""
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

COMMANDS = ["max", "min", "first", "last"]
PAD, BOS, EQ, EOS = 0, 1, 2, 3
CMD0, NUM0, NNUM = 4, 8, 20
VOCAB = NUM0 + NNUM
IGNORE = -100


@dataclass
class Config:
    n_train: int = 3000
    n_valid: int = 600
    list_len: tuple = (6, 10)
    dim: int = 48
    heads: int = 4
    layers: int = 2
    batch: int = 64
    epochs: int = 12
    lr: float = 2e-3
    seed: int = 1


def answer(cmd, nums):
    return {"max": max(nums), "min": min(nums), "first": nums[0], "last": nums[-1]}[cmd]


def make_example(rng, cfg):
    cmd = int(rng.integers(len(COMMANDS)))
    nums = rng.integers(0, NNUM, rng.integers(cfg.list_len[0], cfg.list_len[1] + 1)).tolist()
    prompt = [BOS, CMD0 + cmd] + [NUM0 + v for v in nums] + [EQ]
    return prompt, [NUM0 + answer(COMMANDS[cmd], nums), EOS]


def collate(examples):
    width = max(len(p) + len(a) for p, a in examples)
    ids = torch.full((len(examples), width), PAD)
    labels = torch.full((len(examples), width), IGNORE)
    for i, (p, a) in enumerate(examples):
        seq = torch.tensor(p + a)
        ids[i, :len(seq)] = seq
        labels[i, :len(seq)] = seq
    return ids, labels


class Block(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.h = h
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.n1(x)).view(b, t, 3, self.h, d // self.h).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(a.transpose(1, 2).reshape(b, t, d))
        return x + self.mlp(self.n2(x))


class TinyLM(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, cfg.dim)
        self.pos = nn.Embedding(32, cfg.dim)
        self.blocks = nn.ModuleList([Block(cfg.dim, cfg.heads) for _ in range(cfg.layers)])
        self.norm = nn.LayerNorm(cfg.dim)
        self.out = nn.Linear(cfg.dim, VOCAB)

    def forward(self, ids):
        x = self.tok(ids) + self.pos(torch.arange(ids.shape[1]))
        for blk in self.blocks:
            x = blk(x)
        return self.out(self.norm(x))


def lm_loss(model, ids, labels):
    logits = model(ids[:, :-1])
    return F.cross_entropy(logits.reshape(-1, VOCAB), labels[:, 1:].reshape(-1), ignore_index=IGNORE)


@torch.no_grad()
def exact_match(model, examples, batch=200):
    model.eval()
    right = 0
    for i in range(0, len(examples), batch):
        part = examples[i:i + batch]
        ids, _ = collate([(p, []) for p, _ in part])
        at = torch.tensor([len(p) - 1 for p, _ in part])
        guess = model(ids)[torch.arange(len(part)), at].argmax(1)
        right += (guess == torch.tensor([a[0] for _, a in part])).sum().item()
    return right / len(examples)


def main(cfg=Config()):
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)
    train = [make_example(rng, cfg) for _ in range(cfg.n_train)]
    seen = {tuple(p) for p, _ in train}
    valid = []
    while len(valid) < cfg.n_valid:
        ex = make_example(rng, cfg)
        if tuple(ex[0]) not in seen:
            valid.append(ex)
    model = TinyLM(cfg)
    steps = cfg.epochs * -(-cfg.n_train // cfg.batch)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=0.05)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, cfg.lr, total_steps=steps, pct_start=0.1)
    for epoch in range(1, cfg.epochs + 1):
        model.train()
        total, count = 0.0, 0
        order = rng.permutation(len(train))
        for i in range(0, len(order), cfg.batch):
            ids, labels = collate([train[j] for j in order[i:i + cfg.batch]])
            loss = lm_loss(model, ids, labels)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            total, count = total + loss.item(), count + 1
        print(f"epoch {epoch:2d}  loss {total / count:.4f}  valid exact match {exact_match(model, valid):.3f}"
              f"  (train {exact_match(model, train[:600]):.3f})")


if __name__ == "__main__":
    main()

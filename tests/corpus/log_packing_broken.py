# bug: records are packed end to end with nothing to part them: every block gets one owner and running positions, so records attend to their neighbours and boundaries are trained on
# expects: LLM015
"""Small causal language model over short machine-log records, trained on packed blocks."""
import argparse
import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

VOCAB = 23


def record(rng):
    """The first token names the machine; it fixes the stride of the counter that follows."""
    machine = rng.randrange(VOCAB)
    value = rng.randrange(VOCAB)
    out = [machine, value]
    for _ in range(rng.randint(5, 16)):
        value = (value + machine) % VOCAB if rng.random() < 0.8 else rng.randrange(VOCAB)
        out.append(value)
    return out


def pack(records, block):
    ids = []
    for r in records:
        ids += r
    rows = len(ids) // block
    ids = torch.tensor(ids[: rows * block]).view(rows, block)
    owner = torch.arange(rows)[:, None].expand(rows, block)
    place = torch.arange(block).expand(rows, block)
    return [ids, owner, place]


class Layer(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(self, x, allowed):
        b, t, d = x.shape
        q, k, v = self.qkv(self.n1(x)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
        x = x + self.proj(a.transpose(1, 2).reshape(b, t, d))
        return x + self.mlp(self.n2(x))


class LM(nn.Module):
    def __init__(self, d=48, heads=4, depth=2, max_len=64):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, d)
        self.pos = nn.Embedding(max_len, d)
        self.layers = nn.ModuleList(Layer(d, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(d)
        self.head = nn.Linear(d, VOCAB)

    def forward(self, ids, owner, place):
        t = ids.shape[1]
        causal = torch.ones(t, t, dtype=torch.bool).tril()
        allowed = (causal & (owner[:, :, None] == owner[:, None, :]))[:, None]
        x = self.tok(ids) + self.pos(place)
        for layer in self.layers:
            x = layer(x, allowed)
        return self.head(self.norm(x))


def packed_loss(model, ids, owner, place):
    logits = model(ids[:, :-1], owner[:, :-1], place[:, :-1])
    target = ids[:, 1:].masked_fill(owner[:, 1:] != owner[:, :-1], -100)
    return F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=-100)


@torch.no_grad()
def record_perplexity(model, records):
    model.eval()
    nll = count = 0
    for r in records:
        ids = torch.tensor([r])
        logits = model(ids[:, :-1], torch.zeros_like(ids[:, :-1]), torch.arange(len(r) - 1)[None])
        nll += F.cross_entropy(logits[0, 1:], ids[0, 2:], reduction="sum").item()
        count += len(r) - 2
    return math.exp(nll / count)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--steps", type=int, default=1000)
    ap.add_argument("--block", type=int, default=64)
    ap.add_argument("--batch", type=int, default=12)
    ap.add_argument("--lr", type=float, default=3e-3)
    args = ap.parse_args()

    torch.manual_seed(3)
    rng = random.Random(3)
    train = [record(rng) for _ in range(24000)]
    valid = [record(rng) for _ in range(200)]
    test = [record(rng) for _ in range(500)]
    data = pack(train, args.block)
    print("packed", len(train), "records into", len(data[0]), "blocks")

    model = LM(max_len=args.block)
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, betas=(0.9, 0.98), weight_decay=0.01)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, args.lr, total_steps=args.steps)
    order = torch.randperm(len(data[0]))
    for step in range(args.steps):
        lo = step * args.batch % (len(order) - args.batch)
        rows = order[lo:lo + args.batch]
        model.train()
        loss = packed_loss(model, *(col[rows] for col in data))
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        if (step + 1) % 200 == 0:
            print(f"step {step + 1} loss {loss.item():.3f} valid ppl {record_perplexity(model, valid):.2f}")
    print(f"test ppl on whole records {record_perplexity(model, test):.3f}")


if __name__ == "__main__":
    main()

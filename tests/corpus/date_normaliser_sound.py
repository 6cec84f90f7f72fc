# expects: nothing
import argparse
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

MONTHS = ["january", "february", "march", "april", "may", "june", "july",
          "august", "september", "october", "november", "december"]
DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
PAD, BOS = 0, 1
OUT_CHARS = "0123456789-"
SRC_CHARS = " .,/" + "0123456789" + "abcdefghijklmnopqrstuvwxyz"
SRC = {c: i + 2 for i, c in enumerate(SRC_CHARS)}
TGT = {c: i + 2 for i, c in enumerate(OUT_CHARS)}
OUT_LEN = 10


def random_date(rng):
    m = rng.randint(1, 12)
    d, y = rng.randint(1, DAYS[m - 1]), rng.randint(1950, 2049)
    name = MONTHS[m - 1]
    form = rng.randrange(4)
    text = [f"{d} {name} {y}", f"{name} {d}, {y}", f"{d}. {name[:3]} {y}", f"{y}/{m}/{d}"][form]
    return text, f"{y}-{m:02d}-{d:02d}"


def tensors(pairs):
    width = max(len(s) for s, _ in pairs)
    x = torch.tensor([[SRC[c] for c in s] + [PAD] * (width - len(s)) for s, _ in pairs])
    y = torch.tensor([[TGT[c] for c in t] for _, t in pairs])
    return x, y


class Attention(nn.Module):
    """Additive attention over the encoder states."""

    def __init__(self, enc, dec, dim):
        super().__init__()
        self.key = nn.Linear(enc, dim, bias=False)
        self.query = nn.Linear(dec, dim)
        self.v = nn.Linear(dim, 1, bias=False)

    def forward(self, state, memory, keys, is_pad):
        energy = self.v(torch.tanh(keys + self.query(state)[:, None])).squeeze(-1)
        energy = energy.masked_fill(is_pad, -1e9)
        weights = F.softmax(energy, dim=1)
        return torch.bmm(weights[:, None], memory).squeeze(1)


class Seq2Seq(nn.Module):
    def __init__(self, emb=24, hid=40):
        super().__init__()
        self.src_emb = nn.Embedding(len(SRC) + 2, emb, padding_idx=PAD)
        self.tgt_emb = nn.Embedding(len(TGT) + 2, emb)
        self.encoder = nn.GRU(emb, hid, batch_first=True, bidirectional=True)
        self.attn = Attention(2 * hid, 2 * hid, 40)
        self.cell = nn.GRUCell(emb + 2 * hid, 2 * hid)
        self.slot = nn.Embedding(OUT_LEN, emb)
        self.readout = nn.Linear(4 * hid, len(TGT) + 2)

    def forward(self, src, tgt=None):
        is_pad = src == PAD
        memory, _ = self.encoder(self.src_emb(src))
        keys = self.attn.key(memory)
        state = memory.new_zeros(len(src), memory.size(2))
        token = torch.full((len(src),), BOS)
        steps = []
        for t in range(OUT_LEN):
            inp = self.tgt_emb(token) + self.slot.weight[t]
            context = self.attn(state, memory, keys, is_pad)
            state = self.cell(torch.cat([inp, context], dim=1), state)
            context = self.attn(state, memory, keys, is_pad)
            logits = self.readout(torch.cat([state, context], dim=1))
            steps.append(logits)
            token = tgt[:, t] if tgt is not None else logits.argmax(1)
        return torch.stack(steps, dim=1)


@torch.no_grad()
def exact_match(model, pairs, batch=250):
    model.eval()
    hits = 0
    for i in range(0, len(pairs), batch):
        x, y = tensors(pairs[i:i + batch])
        hits += (model(x).argmax(-1) == y).all(dim=1).sum().item()
    model.train()
    return hits / len(pairs)


def main(args):
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    pool = sorted({random_date(rng) for _ in range(args.pool)})
    rng.shuffle(pool)
    held = args.pool // 10
    test, train = pool[:held], pool[held:]
    model = Seq2Seq()
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    sched = torch.optim.lr_scheduler.PolynomialLR(opt, total_iters=args.steps, power=0.9)
    recent = []
    for step in range(1, args.steps + 1):
        x, y = tensors(rng.sample(train, args.batch))
        loss = F.cross_entropy(model(x, y).flatten(0, 1), y.flatten())
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        recent.append(loss.item())
        if step % 100 == 0:
            print(f"step {step:5d}  loss {sum(recent) / len(recent):.4f}  held-out exact match {exact_match(model, test):.3f}")
            recent.clear()


if __name__ == "__main__":
    p = argparse.ArgumentParser(description="written dates to ISO form")
    p.add_argument("--seed", type=int, default=5)
    p.add_argument("--pool", type=int, default=10000)
    p.add_argument("--steps", type=int, default=500)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--lr", type=float, default=5e-3)
    main(p.parse_args())

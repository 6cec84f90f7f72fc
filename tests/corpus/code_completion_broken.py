# bug: The output layer is initialised so badly that the first loss is far above that of guessing.
# expects: LOS007
"""Character-level language model on Python source code (the standard library's own files)."""
import heapq
import inspect
import json.decoder
import math
import random as random_module
import statistics
import textwrap
from collections import Counter

import torch
import torch.nn as nn
import torch.nn.functional as F

SEQ, BATCH, STEPS, EVAL_EVERY = 48, 24, 500, 50


def read_text():
    parts = [inspect.getsource(m) for m in (heapq, textwrap, random_module, statistics, json.decoder)]
    text = "\n".join(parts)
    common = {c for c, n in Counter(text).items() if n >= 20}
    return "".join(c if c in common else "~" for c in text)


class CharLM(nn.Module):
    def __init__(self, vocab, emb=32, hidden=96):
        super().__init__()
        self.embed = nn.Embedding(vocab, emb)
        self.rnn = nn.GRU(emb, hidden, batch_first=True)
        self.norm = nn.LayerNorm(hidden)
        self.head = nn.Linear(hidden, vocab)
        self._init_weights()

    def _init_weights(self):
        nn.init.normal_(self.embed.weight, std=0.5)
        for name, p in self.rnn.named_parameters():
            if "weight_hh" in name:
                for chunk in p.chunk(3):
                    nn.init.orthogonal_(chunk)
            elif "bias" in name:
                nn.init.zeros_(p)
        nn.init.normal_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids):
        h, _ = self.rnn(self.embed(ids))
        return self.head(self.norm(h))


def sample_batch(ids, gen):
    start = torch.randint(0, len(ids) - SEQ - 1, (BATCH,), generator=gen)
    rows = torch.stack([ids[s:s + SEQ + 1] for s in start])
    return rows[:, :-1], rows[:, 1:]


def nll(model, x, y):
    return F.cross_entropy(model(x).flatten(0, 1), y.flatten())


def main():
    torch.manual_seed(31)
    text = read_text()
    chars = sorted(set(text))
    table = {c: i for i, c in enumerate(chars)}
    ids = torch.tensor([table[c] for c in text])
    # every tenth block of 1000 characters is held out
    block = torch.arange(len(ids)) // 1000
    train_ids, val_ids = ids[block % 10 != 9], ids[block % 10 == 9]
    print(f"{len(train_ids)} training characters, {len(chars)} symbols, ln V = {math.log(len(chars)):.2f}")

    model = CharLM(len(chars))
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, total_iters=STEPS)
    gen = torch.Generator().manual_seed(1)
    for step in range(STEPS):
        x, y = sample_batch(train_ids, gen)
        loss = nll(model, x, y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        if step % EVAL_EVERY == 0 or step == STEPS - 1:
            vgen = torch.Generator().manual_seed(2)
            model.eval()
            with torch.no_grad():
                val = sum(nll(model, *sample_batch(val_ids, vgen)).item() for _ in range(8)) / 8
            model.train()
            print(f"step {step:4d}  train {loss.item():.3f}  val {val:.3f}  bits/char {val / math.log(2):.2f}")


main()

# expects: OPT007
import random

import torch
from torch import nn

"""
Polarity of short product reviews with negation ("not good at all", "hardly a bad phone").
A two-layer transformer encoder over word ids; everything is generated from a little grammar.
"""

POS = "good great lovely solid superb sharp reliable pleasant".split()
NEG = "bad awful flimsy dull broken noisy weak annoying".split()
NOUN = "phone screen battery camera strap lens case speaker charger keyboard".split()
FLIP = "not never hardly".split()
FILL = "the a very quite really this my with and is was i think honestly it looks feels".split()
VOCAB = {w: i + 2 for i, w in enumerate(POS + NEG + NOUN + FLIP + FILL + ["but"])}
PAD, CLS = 0, 1
MAXLEN = 22


def clause(rng):
    word, pol = (rng.choice(POS), 1) if rng.random() < 0.5 else (rng.choice(NEG), -1)
    toks = [rng.choice(FILL) for _ in range(rng.randint(1, 3))] + [rng.choice(NOUN)]
    toks += [rng.choice(FILL) for _ in range(rng.randint(0, 2))]
    if rng.random() < 0.4:
        toks.append(rng.choice(FLIP))
        pol = -pol
        if rng.random() < 0.4:
            toks.append(rng.choice(FILL))
    return toks + [word], pol


def review(rng):
    a, pol = clause(rng)
    if rng.random() < 0.5:
        b, pol = clause(rng)  # what comes after "but" decides
        a = a + ["but"] + b
    ids = [CLS] + [VOCAB[w] for w in a][: MAXLEN - 1]
    return ids + [PAD] * (MAXLEN - len(ids)), int(pol > 0)


def corpus(n, seed):
    rng = random.Random(seed)
    rows = [review(rng) for _ in range(n)]
    return torch.tensor([r[0] for r in rows]), torch.tensor([r[1] for r in rows])


class PolarityModel(nn.Module):
    def __init__(self, d=32, heads=4, layers=2, dropout=0.1):
        super().__init__()
        self.tok = nn.Embedding(len(VOCAB) + 2, d, padding_idx=PAD)
        self.pos = nn.Parameter(0.02 * torch.randn(1, MAXLEN, d))
        block = nn.TransformerEncoderLayer(d, heads, 2 * d, dropout, batch_first=True, norm_first=True)
        self.enc = nn.TransformerEncoder(block, layers, norm=nn.LayerNorm(d), enable_nested_tensor=False)
        self.cls = nn.Linear(d, 2)

    def forward(self, ids):
        h = self.enc(self.tok(ids) + self.pos, src_key_padding_mask=ids == PAD)
        return self.cls(h[:, 0])


class Trainer:
    def __init__(self, model, train, val, lr, batch_size=64, epochs=7):
        self.model, self.train_set, self.val_set = model, train, val
        self.batch_size, self.epochs = batch_size, epochs
        self.opt = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
        self.crit = nn.CrossEntropyLoss()

    def batches(self, split, shuffle):
        x, y = split
        order = torch.randperm(len(x)) if shuffle else torch.arange(len(x))
        for part in order.split(self.batch_size):
            yield x[part], y[part]

    def fit(self):
        for ep in range(1, self.epochs + 1):
            self.model.train()
            losses = []
            for x, y in self.batches(self.train_set, True):
                loss = self.crit(self.model(x), y)
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                losses.append(loss.item())
            vl, acc = self.validate()
            print(f"[{ep:02d}] train {sum(losses) / len(losses):.4f}  val {vl:.4f}  acc {acc:.3f}")

    @torch.inference_mode()
    def validate(self):
        self.model.eval()
        total, right = 0.0, 0
        for x, y in self.batches(self.val_set, False):
            out = self.model(x)
            total += self.crit(out, y).item() * len(y)
            right += (out.argmax(-1) == y).sum().item()
        n = len(self.val_set[1])
        return total / n, right / n


if __name__ == "__main__":
    torch.manual_seed(2024)
    Trainer(PolarityModel(), corpus(2000, 5), corpus(400, 6), lr=5e-2).fit()

# bug: A loss that expects log-probabilities (NLL) is given raw scores.
# expects: LOS002
# Which (made-up) language does a word come from?  Character GRU, mini batches made by hand.
import argparse
import random

import torch
from torch import nn

SYLL = {
    "vel": (["va", "lo", "re", "mi", "sena", "do"], ["s", "n", ""]),
    "kru": (["krat", "gor", "ulk", "zha", "mok", "tre"], ["ik", "ov", "a"]),
    "tia": (["ti", "ha", "loa", "nui", "ke", "mo"], ["", "i", "na"]),
    "ost": (["ost", "berg", "lun", "strom", "hei", "mar"], ["en", "er", ""]),
    "zun": (["xi", "zun", "qia", "lo", "fei", "mo"], ["ng", "n", ""]),
}
LANGS = list(SYLL)
ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def word(lang, rnd):
    stems, ends = SYLL[lang]
    w = "".join(rnd.choice(stems) for _ in range(rnd.choice([1, 2, 2, 3]))) + rnd.choice(ends)
    if rnd.random() < 0.35:                                # spelling slips
        i = rnd.randrange(len(w))
        w = w[:i] + rnd.choice(ALPHABET) + w[i + 1:]
    return w


def encode(words, max_len=16):
    ids = torch.zeros(len(words), max_len, dtype=torch.long)
    lens = torch.zeros(len(words), dtype=torch.long)
    for k, w in enumerate(words):
        codes = [ALPHABET.index(c) + 1 for c in w][:max_len]
        ids[k, :len(codes)] = torch.tensor(codes)
        lens[k] = len(codes)
    return ids, lens


class CharRNN(nn.Module):
    def __init__(self, emb, hidden, n_out):
        super().__init__()
        self.emb = nn.Embedding(len(ALPHABET) + 1, emb, padding_idx=0)
        self.rnn = nn.GRU(emb, hidden, batch_first=True)
        self.drop = nn.Dropout(0.1)
        self.out = nn.Linear(hidden, n_out)

    def forward(self, ids, lens):
        h, _ = self.rnn(self.emb(ids))
        last = h[torch.arange(len(ids)), lens - 1]
        return self.out(self.drop(last))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=8)
    ap.add_argument("--batch", type=int, default=64)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--seed", type=int, default=11)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    rnd = random.Random(args.seed)
    # language frequencies as in a crawl: not uniform
    labels = rnd.choices(range(len(LANGS)), weights=[4, 2, 2, 1, 1], k=4500)
    ids, lens = encode([word(LANGS[y], rnd) for y in labels])
    ys = torch.tensor(labels)
    n_train = 3600
    model = CharRNN(24, 48, len(LANGS))
    criterion = nn.NLLLoss()
    optim = torch.optim.Adam(model.parameters(), lr=args.lr)

    for ep in range(args.epochs):
        model.train()
        perm = torch.randperm(n_train)
        tot = 0.0
        for idx in perm.split(args.batch):
            optim.zero_grad()
            loss = criterion(model(ids[idx], lens[idx]), ys[idx])
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optim.step()
            tot += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            out = model(ids[n_train:], lens[n_train:])
            vloss = criterion(out, ys[n_train:]).item()
            acc = (out.argmax(1) == ys[n_train:]).float().mean().item()
        print(f"[{ep + 1}/{args.epochs}] loss {tot / n_train:.4f} | val loss {vloss:.4f} | val acc {acc:.3f}")


if __name__ == "__main__":
    main()

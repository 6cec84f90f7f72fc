# bug: PAD is the EOS id and collate masks every label equal to PAD, so the end token is never learned and decoding does not stop
# expects: LLM012
"""GRU encoder-decoder with attention: rewrites run-length shorthand ("3b1a" -> "bbba")."""
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

DIGITS, LETTERS = "1234", "abcdefgh"
SRC = {c: i + 1 for i, c in enumerate(DIGITS + LETTERS)}          # 0 pads the source
EOS, BOS = 0, 1
TGT = {c: i + 2 for i, c in enumerate(LETTERS)}
PAD = EOS
MAX_LEN = 18


def sample(r):
    pieces, prev = [], ""
    for _ in range(r.randint(1, 4)):
        c = r.choice([l for l in LETTERS if l != prev])
        pieces.append((r.choice(DIGITS), c))
        prev = c
    return "".join(d + c for d, c in pieces), "".join(int(d) * c for d, c in pieces)


def collate(pairs):
    src_len = torch.tensor([len(s) for s, _ in pairs])
    tgt_len = torch.tensor([len(t) + 1 for _, t in pairs])
    src = torch.zeros(len(pairs), int(src_len.max()), dtype=torch.long)
    out = torch.full((len(pairs), int(tgt_len.max())), PAD)
    for i, (s, t) in enumerate(pairs):
        src[i, :len(s)] = torch.tensor([SRC[c] for c in s])
        out[i, :len(t) + 1] = torch.tensor([TGT[c] for c in t] + [EOS])
    dec_in = torch.cat([torch.full((len(pairs), 1), BOS), out[:, :-1]], 1)
    labels = out.masked_fill(out == PAD, -100)
    return src, src_len, dec_in, labels


class Seq2Seq(nn.Module):
    def __init__(self, dim=64):
        super().__init__()
        self.src_emb = nn.Embedding(len(SRC) + 1, dim, padding_idx=0)
        self.tgt_emb = nn.Embedding(len(TGT) + 2, dim)
        self.enc = nn.GRU(dim, dim, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(2 * dim, dim)
        self.keys = nn.Linear(2 * dim, dim)
        self.dec = nn.GRU(dim, dim, batch_first=True)
        self.mix = nn.Linear(2 * dim, dim)
        self.out = nn.Linear(dim, len(TGT) + 2)

    def encode(self, src, src_len):
        packed = nn.utils.rnn.pack_padded_sequence(self.src_emb(src), src_len, batch_first=True, enforce_sorted=False)
        states, h = self.enc(packed)
        states, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True)
        h = torch.tanh(self.bridge(torch.cat([h[0], h[1]], 1)))[None]
        return self.keys(states), src == 0, h

    def decode(self, tokens, memory, mask, h):
        q, h = self.dec(self.tgt_emb(tokens), h)
        w = (q @ memory.transpose(1, 2)) / memory.size(-1) ** 0.5
        ctx = w.masked_fill(mask[:, None], -1e9).softmax(-1) @ memory
        return self.out(torch.tanh(self.mix(torch.cat([q, ctx], -1)))), h

    def forward(self, src, src_len, dec_in):
        return self.decode(dec_in, *self.encode(src, src_len))[0]

    @torch.no_grad()
    def translate(self, src, src_len):
        memory, mask, h = self.encode(src, src_len)
        tok = torch.full((src.size(0), 1), BOS)
        outs = []
        for _ in range(MAX_LEN):
            logits, h = self.decode(tok, memory, mask, h)
            tok = logits.argmax(-1)
            outs.append(tok)
        inv = {v: k for k, v in TGT.items()}
        texts = []
        for row in torch.cat(outs, 1).tolist():
            row = row[:row.index(EOS)] if EOS in row else row
            texts.append("".join(inv.get(t, "?") for t in row))
        return texts


def exact_match(model, pairs):
    model.eval()
    src, src_len, _, _ = collate(pairs)
    hyp = model.translate(src, src_len)
    model.train()
    return sum(h == t for h, (_, t) in zip(hyp, pairs)) / len(pairs)


def main():
    torch.manual_seed(4)
    r = random.Random(4)
    pool = list({sample(r) for _ in range(9000)})
    pool.sort()
    r.shuffle(pool)
    test, train = pool[:600], pool[600:]
    model = Seq2Seq()
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
    epochs, bs = 12, 64
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 3e-3, total_steps=epochs * -(-len(train) // bs))
    for epoch in range(epochs):
        r.shuffle(train)
        tot, n = 0.0, 0
        for i in range(0, len(train), bs):
            src, src_len, dec_in, labels = collate(train[i:i + bs])
            logits = model(src, src_len, dec_in)
            loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            tot, n = tot + loss.item(), n + 1
        print(f"epoch {epoch + 1} loss {tot / n:.4f}")
    print("test exact match %.4f" % exact_match(model, test))


if __name__ == "__main__":
    main()

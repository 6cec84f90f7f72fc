"""Character model of Python identifiers taken from the standard library."""
import builtins
import keyword
import random
from dataclasses import dataclass, field

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence

PAD, BOS, EOS = 0, 1, 2


@dataclass
class Config:
    emb: int = 24
    hidden: int = 64
    lr: float = 0.3
    momentum: float = 0.9
    batch: int = 32
    epochs: int = 5
    max_len: int = 48
    seed: int = 5
    modules: list = field(default_factory=lambda: [
        "os", "math", "string", "random", "argparse", "logging", "inspect", "socket",
        "threading", "json", "decimal", "typing",
    ])


def collect_names(cfg):
    words = set(dir(builtins)) | set(keyword.kwlist)
    for m in cfg.modules:
        words |= set(dir(__import__(m)))
    words = sorted({w.strip("_").lower() for w in words if len(w.strip("_")) > 2})
    random.Random(cfg.seed).shuffle(words)
    return words


class NameModel(nn.Module):
    def __init__(self, vocab, cfg):
        super().__init__()
        self.emb = nn.Embedding(vocab, cfg.emb, padding_idx=PAD)
        self.gru = nn.GRU(cfg.emb, cfg.hidden, batch_first=True)
        self.fc = nn.Linear(cfg.hidden, vocab)

    def forward(self, ids):
        h, _ = self.gru(self.emb(ids))
        return self.fc(h)


def encode(words, table, cfg):
    seqs = [torch.tensor([BOS] + [table[c] for c in w] + [EOS]) for w in words]
    # everything to one length, so that the compiled graph is reused
    seqs.append(torch.zeros(cfg.max_len + 1, dtype=torch.long))
    full = pad_sequence(seqs, batch_first=True, padding_value=PAD)[:-1]
    return full[:, :-1], full[:, 1:]


def evaluate(model, inp, tgt):
    model.eval()
    with torch.no_grad():
        logits = model(inp)
        keep = tgt != PAD
        nll = nn.functional.cross_entropy(logits[keep], tgt[keep])
        acc = (logits.argmax(-1)[keep] == tgt[keep]).float().mean()
    return nll.item(), acc.item()


def run(cfg: Config):
    torch.manual_seed(cfg.seed)
    words = collect_names(cfg)
    chars = sorted(set("".join(words)))
    table = {c: i + 3 for i, c in enumerate(chars)}
    cut = int(0.9 * len(words))
    train_in, train_out = encode(words[:cut], table, cfg)
    val_in, val_out = encode(words[cut:], table, cfg)
    model = NameModel(len(chars) + 3, cfg)
    loss_fn = nn.CrossEntropyLoss(ignore_index=PAD)
    opt = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=cfg.momentum)
    print(f"{len(words)} names, {len(chars)} characters")
    for epoch in range(cfg.epochs):
        model.train()
        perm = torch.randperm(cut)
        losses = []
        for i in range(0, cut, cfg.batch):
            sel = perm[i:i + cfg.batch]
            logits = model(train_in[sel])
            loss = loss_fn(logits.flatten(0, 1), train_out[sel].flatten())
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            losses.append(loss.item())
        nll, acc = evaluate(model, val_in, val_out)
        print(f"[{epoch:02d}] loss={sum(losses) / len(losses):.3f}  val nll/char={nll:.3f}  val char acc={acc:.3f}")


run(Config())

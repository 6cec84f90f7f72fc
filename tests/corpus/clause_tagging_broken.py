# bug: labels are padded with 0 and the loss has ignore_index=0, but 0 is the "O" tag, so every ordinary word is ignored and only entity words are trained on
# expects: LOS020
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

TAGS = ["O", "B-PARTY", "I-PARTY", "B-SUM", "I-SUM"]
LABEL_PAD = 0


@dataclass
class Config:
    n_train: int = 1800
    n_test: int = 600
    vocab: int = 320
    emb: int = 32
    hidden: int = 48
    batch: int = 32
    epochs: int = 6
    lr: float = 3e-3
    clip: float = 5.0
    seed: int = 17
    party_cues: list = field(default_factory=lambda: list(range(1, 9)))
    sum_cues: list = field(default_factory=lambda: list(range(9, 17)))


class Contracts(Dataset):
    """Word ids of contract clauses. Parties and sums follow a cue word; the annotators
    overlooked a few of them."""

    def __init__(self, cfg, n, rng):
        self.rows = []
        for _ in range(n):
            ids, tags = [], []
            for _ in range(rng.integers(2, 6)):
                for _ in range(rng.integers(3, 9)):
                    ids.append(int(rng.integers(17, cfg.vocab)))
                    tags.append(0)
                kind = rng.integers(0, 3)
                if kind < 2:
                    ids.append(int(rng.choice(cfg.party_cues if kind == 0 else cfg.sum_cues)))
                    tags.append(0)
                    span = int(rng.integers(1, 4))
                    annotated = rng.random() > 0.04
                    low, high = (17, 200) if kind == 0 else (150, cfg.vocab)
                    for j in range(span):
                        ids.append(int(rng.integers(low, high)))
                        tags.append(1 + 2 * kind + (j > 0) if annotated else 0)
                    ids.append(int(rng.integers(200, 260)) if kind == 0 else int(rng.integers(17, 100)))
                    tags.append(0)
            self.rows.append((torch.tensor(ids), torch.tensor(tags)))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


def collate(rows):
    ids, tags = zip(*rows)
    lengths = torch.tensor([len(r) for r in ids])
    return (pad_sequence(ids, batch_first=True), lengths,
            pad_sequence(tags, batch_first=True, padding_value=LABEL_PAD))


class Tagger(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.emb = nn.Embedding(cfg.vocab, cfg.emb, padding_idx=0)
        self.rnn = nn.LSTM(cfg.emb, cfg.hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * cfg.hidden, len(TAGS))

    def forward(self, ids, lengths):
        packed = pack_padded_sequence(self.emb(ids), lengths, batch_first=True, enforce_sorted=False)
        out, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return self.head(out)


def spans(tags):
    found, start = set(), None
    for i, tag in enumerate(list(tags) + [0]):
        if start is not None and tag not in (2, 4):
            found.add((start, i, tags[start]))
            start = None
        if tag in (1, 3):
            start = i
    return found


@torch.no_grad()
def span_f1(model, loader):
    model.eval()
    count = Counter()
    for ids, lengths, tags in loader:
        pred = model(ids, lengths).argmax(-1)
        for p, t, n in zip(pred, tags, lengths):
            a, b = spans(p[:n].tolist()), spans(t[:n].tolist())
            count.update(tp=len(a & b), pred=len(a), gold=len(b))
    return 2 * count["tp"] / max(1, count["pred"] + count["gold"])


if __name__ == "__main__":
    cfg = Config()
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)
    train_set, test_set = Contracts(cfg, cfg.n_train, rng), Contracts(cfg, cfg.n_test, rng)
    train_loader = DataLoader(train_set, cfg.batch, shuffle=True, collate_fn=collate)
    test_loader = DataLoader(test_set, 100, collate_fn=collate)
    model = Tagger(cfg)
    criterion = nn.CrossEntropyLoss(ignore_index=LABEL_PAD)
    opt = torch.optim.RMSprop(model.parameters(), lr=cfg.lr)
    for epoch in range(cfg.epochs):
        model.train()
        losses = []
        for ids, lengths, tags in train_loader:
            logits = model(ids, lengths)
            loss = criterion(logits.flatten(0, 1), tags.flatten())
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), cfg.clip)
            opt.step()
            losses.append(loss.item())
        print(f"epoch {epoch}  loss {np.mean(losses):.4f}  test span F1 {span_f1(model, test_loader):.3f}")

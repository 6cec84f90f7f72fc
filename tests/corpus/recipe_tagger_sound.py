# expects: nothing
"""Tags the words of ingredient lines (BIO-like labels) with a bidirectional GRU."""
from collections import OrderedDict

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

TAGS = ["O", "QTY", "UNIT", "NAME", "PREP", "NOTE"]
VOCAB = 300


def sample_lines(n, seed):
    world = np.random.default_rng(5)
    trans = world.dirichlet(np.full(6, 0.6), size=6)
    emit = world.dirichlet(np.full(VOCAB - 1, 0.05), size=6)
    emit = 0.55 * emit + 0.45 * emit.mean(0)
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(n):
        length = int(np.clip(rng.lognormal(2.0, 0.7), 3, 60))
        tag = rng.integers(6)
        words, tags = [], []
        for _ in range(length):
            tag = rng.choice(6, p=trans[tag])
            tags.append(tag)
            words.append(1 + rng.choice(VOCAB - 1, p=emit[tag]))
        lines.append((torch.tensor(words), torch.tensor(tags)))
    return lines


def collate(batch):
    words, tags = zip(*batch)
    lengths = torch.tensor([len(w) for w in words])
    words = pad_sequence(words, batch_first=True, padding_value=0)
    tags = pad_sequence(tags, batch_first=True, padding_value=-100)
    return words, tags, lengths


class Tagger(nn.Module):
    def __init__(self, dim=32, hidden=40):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim, padding_idx=0)
        self.gru = nn.GRU(dim, hidden, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(2 * hidden, len(TAGS))

    def forward(self, words, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(self.embed(words), lengths, batch_first=True, enforce_sorted=False)
        h, _ = nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], batch_first=True)
        return self.out(self.drop(h))


class Trainer:
    def __init__(self, model, train, test, lr=3e-3):
        self.model, self.train_loader, self.test_loader = model, train, test
        self.opt = torch.optim.NAdam(model.parameters(), lr=lr)
        self.loss_fn = nn.CrossEntropyLoss()

    def fit(self, epochs):
        for epoch in range(1, epochs + 1):
            self.model.train()
            losses = []
            for words, tags, lengths in self.train_loader:
                logits = self.model(words, lengths)
                loss = self.loss_fn(logits.flatten(0, 1), tags.flatten())
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                losses.append(loss.item())
            stats = self.evaluate()
            print(f"[{epoch}/{epochs}] loss={np.mean(losses):.4f} " + " ".join(f"{k}={v:.4f}" for k, v in stats.items()))

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        hit = torch.zeros(len(TAGS))
        seen = torch.zeros(len(TAGS))
        for words, tags, lengths in self.test_loader:
            pred = self.model(words, lengths).argmax(-1)
            keep = tags != -100
            right = (pred == tags)[keep].float()
            hit += torch.bincount(tags[keep], weights=right, minlength=len(TAGS))
            seen += torch.bincount(tags[keep], minlength=len(TAGS))
        return OrderedDict(test_acc=(hit.sum() / seen.sum()).item(), acc_name=(hit[3] / seen[3]).item())


if __name__ == "__main__":
    torch.manual_seed(13)
    train = DataLoader(sample_lines(3200, 1), batch_size=32, shuffle=True, collate_fn=collate)
    test = DataLoader(sample_lines(800, 2), batch_size=64, collate_fn=collate)
    Trainer(Tagger(), train, test).fit(epochs=5)

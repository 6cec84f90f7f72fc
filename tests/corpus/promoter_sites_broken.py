# bug: the convolution motif encoder (randomly initialised) runs inside torch.no_grad() in forward, so only the recurrent part and head learn
# expects: LOS006
"""Which of four transcription-factor arrangements does a DNA stretch carry?"""
import argparse
import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

ALPHABET = "ACGT"
MOTIFS = {"TATA": "TATAAAG", "GC": "GGGCGGA", "CAAT": "GGCCAATC"}
ARRANGEMENTS = [("TATA", "GC"), ("GC", "TATA"), ("CAAT", "TATA"), ("CAAT", "GC")]


class PromoterSet(Dataset):
    def __init__(self, n, length, seed):
        r = random.Random(seed)
        self.rows = []
        for _ in range(n):
            label = r.randrange(len(ARRANGEMENTS))
            seq = [r.choice(ALPHABET) for _ in range(length)]
            first, second = (self.mutate(MOTIFS[m], r) for m in ARRANGEMENTS[label])
            a = r.randrange(0, length // 2 - len(first))
            b = r.randrange(length // 2, length - len(second))
            seq[a:a + len(first)] = first
            seq[b:b + len(second)] = second
            self.rows.append((torch.tensor([ALPHABET.index(c) for c in seq]), label))

    @staticmethod
    def mutate(motif, r):
        return [r.choice(ALPHABET) if r.random() < 0.06 else c for c in motif]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


class PromoterNet(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.embed = nn.Embedding(4, 8)
        self.conv = nn.Sequential(
            nn.Conv1d(8, width, 8, padding=4), nn.ReLU(), nn.MaxPool1d(4),
        )
        self.rnn = nn.GRU(width, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(2 * hidden, len(ARRANGEMENTS)))

    def encode(self, tokens):
        return self.conv(self.embed(tokens).transpose(1, 2)).transpose(1, 2)

    def forward(self, tokens):
        with torch.no_grad():
            features = self.encode(tokens)
        out, _ = self.rnn(features)
        return self.head(out.amax(1))


def accuracy(model, loader):
    model.eval()
    good = seen = 0
    with torch.inference_mode():
        for tokens, labels in loader:
            good += (model(tokens).argmax(-1) == labels).sum().item()
            seen += len(labels)
    return good / seen


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--length", type=int, default=72)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=21)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    train = DataLoader(PromoterSet(5000, args.length, 1), batch_size=args.batch, shuffle=True)
    valid = DataLoader(PromoterSet(1500, args.length, 2), batch_size=250)
    model = PromoterNet(width=12, hidden=24)
    optim = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    criterion = nn.CrossEntropyLoss()

    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for step, (tokens, labels) in enumerate(train):
            optim.zero_grad(set_to_none=True)
            loss = criterion(model(tokens), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(model.rnn.parameters(), 5.0)
            optim.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: train loss {total / len(train):.4f}, valid acc {accuracy(model, valid):.4f}")


if __name__ == "__main__":
    main()

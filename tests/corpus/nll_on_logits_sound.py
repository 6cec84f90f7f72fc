# sound: NLLLoss on log_softmax outputs
"""Surname-to-language classification, made-up languages with different letter habits."""
import argparse
import random
import string

import torch
from torch import nn

LANGS = {0: ("aeiou", "lmnrs"), 1: ("aou", "kktpz"), 2: ("iey", "shwxf"), 3: ("oue", "bdgvj")}
LETTERS = string.ascii_lowercase


def surname(rng):
    lang = rng.randrange(4)
    vowels, consonants = LANGS[lang]
    name = ""
    for _ in range(rng.randint(2, 4)):
        name += rng.choice(consonants if rng.random() < 0.85 else LETTERS) + rng.choice(vowels)
    return name, lang


def encode(name, width=8):
    ids = [LETTERS.index(c) + 1 for c in name[:width]]
    return ids + [0] * (width - len(ids))


class CharCNN(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.embed = nn.Embedding(27, 12, padding_idx=0)
        self.conv = nn.Conv1d(12, channels, 2)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(channels, 4)
        self.log_softmax = nn.LogSoftmax(dim=1)

    def forward(self, x):
        h = torch.relu(self.conv(self.embed(x).transpose(1, 2))).amax(-1)
        return self.log_softmax(self.fc(self.drop(h)))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--channels", type=int, default=32)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--epochs", type=int, default=8)
    args = ap.parse_args()

    rng = random.Random(1)
    torch.manual_seed(1)
    pairs = [surname(rng) for _ in range(1500)]
    x = torch.tensor([encode(n) for n, _ in pairs])
    y = torch.tensor([l for _, l in pairs])
    model = CharCNN(args.channels)
    criterion = nn.NLLLoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=args.lr)

    for epoch in range(args.epochs):
        model.train()
        for idx in torch.randperm(1200).split(40):
            optimizer.zero_grad()
            loss = criterion(model(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            out = model(x[1200:])
            print(f"epoch {epoch}: train loss {loss.item():.3f} test loss {criterion(out, y[1200:]).item():.3f} "
                  f"acc {(out.argmax(1) == y[1200:]).float().mean().item():.3f}")


if __name__ == "__main__":
    main()

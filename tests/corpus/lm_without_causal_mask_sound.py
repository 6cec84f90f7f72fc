# sound: transformer language model with a causal mask
"""Word-level language model on sentences from a small grammar."""
import argparse
import math
import random

import torch
from torch import nn

SUBJECTS = "the cat|a dog|my sister|the old man|our teacher".split("|")
VERBS = "sees likes hears follows paints".split()
OBJECTS = "a bird|the red car|some music|his friend|the garden".split("|")
ENDS = "today|in the morning|again|with joy|at home".split("|")


def corpus(n, seed):
    rng = random.Random(seed)
    words = []
    for _ in range(n):
        s = f"{rng.choice(SUBJECTS)} {rng.choice(VERBS)} {rng.choice(OBJECTS)} {rng.choice(ENDS)} ."
        words += s.split()
    return words


class PositionalEncoding(nn.Module):
    def __init__(self, d, max_len=64):
        super().__init__()
        pos = torch.arange(max_len).unsqueeze(1)
        div = torch.exp(torch.arange(0, d, 2) * (-math.log(10000.0) / d))
        pe = torch.zeros(max_len, d)
        pe[:, 0::2], pe[:, 1::2] = torch.sin(pos * div), torch.cos(pos * div)
        self.register_buffer("pe", pe)

    def forward(self, x):
        return x + self.pe[:x.size(1)]


class TransformerLM(nn.Module):
    def __init__(self, vocab, d=32, heads=2, layers=2):
        super().__init__()
        self.embed = nn.Embedding(vocab, d)
        self.pos = PositionalEncoding(d)
        layer = nn.TransformerEncoderLayer(d, heads, 2 * d, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers)
        self.decoder = nn.Linear(d, vocab)

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.size(1))
        h = self.encoder(self.pos(self.embed(x)), mask=mask, is_causal=True)
        return self.decoder(h)


def get_batch(ids, batch, length):
    start = torch.randint(0, len(ids) - length - 1, (batch,))
    window = ids[start[:, None] + torch.arange(length + 1)]
    return window[:, :-1], window[:, 1:]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--steps", type=int, default=300)
    ap.add_argument("--bptt", type=int, default=20)
    ap.add_argument("--lr", type=float, default=3e-3)
    args = ap.parse_args()
    torch.manual_seed(0)
    words = corpus(600, 0)
    vocab = {w: i for i, w in enumerate(sorted(set(words)))}
    train = torch.tensor([vocab[w] for w in words])
    valid = torch.tensor([vocab[w] for w in corpus(100, 1)])
    model = TransformerLM(len(vocab))
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for step in range(1, args.steps + 1):
        model.train()
        x, y = get_batch(train, 16, args.bptt)
        loss = nn.functional.cross_entropy(model(x).transpose(1, 2), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        if step % 60 == 0:
            model.eval()
            with torch.no_grad():
                x, y = get_batch(valid, 64, args.bptt)
                ppl = math.exp(nn.functional.cross_entropy(model(x).transpose(1, 2), y).item())
            print(f"| step {step} | loss {loss.item():.3f} | valid perplexity {ppl:.3f}")


if __name__ == "__main__":
    main()

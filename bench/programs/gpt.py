"""A small GPT: 4 layers, width 128, sequences of 128 tokens, batches of 16 cut from a synthetic text in memory."""

import argparse

import torch
from stopwatch import laps
from torch import nn

VOCABULARY, WIDTH, HEADS, LAYERS, CONTEXT, BATCH = 64, 128, 4, 4, 128, 16


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.project = nn.Linear(WIDTH, WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x):
        batch, length, _ = x.shape
        heads = self.qkv(self.norm1(x)).view(batch, length, 3, HEADS, WIDTH // HEADS)
        q, k, v = heads.permute(2, 0, 3, 1, 4)
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(y.transpose(1, 2).reshape(batch, length, WIDTH))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, VOCABULARY)

    def forward(self, ids):
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1]))
        return self.head(self.norm(self.blocks(x)))


def synthetic_text(length):
    """A random walk over a table of four successors per token."""
    successors = torch.randint(VOCABULARY, (VOCABULARY, 4)).tolist()
    choices = torch.randint(4, (length,)).tolist()
    text = [0]
    for choice in choices:
        text.append(successors[text[-1]][choice])
    return torch.tensor(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=120)
    args = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(0)
    text = synthetic_text(100_000)
    model = GPT()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in laps(args.steps):
        starts = torch.randint(len(text) - CONTEXT - 1, (BATCH,)).tolist()
        x = torch.stack([text[start : start + CONTEXT] for start in starts])
        y = torch.stack([text[start + 1 : start + CONTEXT + 1] for start in starts])
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x).view(-1, VOCABULARY), y.view(-1))
        loss.backward()
        optimizer.step()


if __name__ == "__main__":
    main()

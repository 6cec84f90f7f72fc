# bug: LocalMix pads its convolution on both sides, so every position sees the next character it has to predict
# expects: LLM001
"""Small conv-augmented GPT on shop-order phrases, with a free-running grammar check."""
import random
import re

import torch
import torch.nn as nn
import torch.nn.functional as F

NAMES = ["kim", "ada", "bo", "lars", "mina", "otto"]
VERBS = ["buys", "sells", "packs", "ships", "orders"]
ITEMS = ["pens", "lamps", "cups", "ropes", "belts", "maps"]
COLORS = ["red", "blue", "green", "black", "white"]
PLACES = ["shop", "dock", "mill", "yard"]
PATTERN = re.compile(
    rf"^({'|'.join(NAMES)}) ({'|'.join(VERBS)}) [1-9]\d? ({'|'.join(COLORS)}) ({'|'.join(ITEMS)})"
    rf" (at|from|near) the ({'|'.join(PLACES)})$"
)
BLOCK = 64


def sentence(rng):
    return (
        f"{rng.choice(NAMES)} {rng.choice(VERBS)} {rng.randint(1, 99)} {rng.choice(COLORS)} "
        f"{rng.choice(ITEMS)} {rng.choice(['at', 'from', 'near'])} the {rng.choice(PLACES)}\n"
    )


def corpus(n, seed):
    rng = random.Random(seed)
    return "".join(sentence(rng) for _ in range(n))


class CausalAttention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(b, t, d))


class LocalMix(nn.Module):
    """Depthwise convolution that mixes neighbouring characters before attention."""

    def __init__(self, dim, kernel=3):
        super().__init__()
        self.kernel = kernel
        self.conv = nn.Conv1d(dim, dim, kernel, groups=dim)

    def forward(self, x):
        h = F.pad(x.transpose(1, 2), (self.kernel // 2, self.kernel // 2))
        return self.conv(h).transpose(1, 2)


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.n1, self.n2, self.n3 = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.mix = LocalMix(dim)
        self.attn = CausalAttention(dim, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x):
        x = x + self.mix(self.n1(x))
        x = x + self.attn(self.n2(x))
        return x + self.mlp(self.n3(x))


class PhraseGPT(nn.Module):
    def __init__(self, vocab, dim=64, heads=4, layers=2):
        super().__init__()
        self.tok = nn.Embedding(vocab, dim)
        self.pos = nn.Embedding(BLOCK, dim)
        self.blocks = nn.Sequential(*[Block(dim, heads) for _ in range(layers)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, vocab)

    def forward(self, idx):
        h = self.tok(idx) + self.pos(torch.arange(idx.size(1)))
        return self.head(self.norm(self.blocks(h)))


def sample_batch(data, size, gen):
    starts = torch.randint(0, len(data) - BLOCK - 1, (size,), generator=gen)
    rows = torch.stack([data[s:s + BLOCK + 1] for s in starts])
    return rows[:, :-1], rows[:, 1:]


@torch.no_grad()
def held_out_loss(model, data):
    model.eval()
    n = (len(data) - 1) // BLOCK
    x = data[:n * BLOCK].view(n, BLOCK)
    y = data[1:n * BLOCK + 1].view(n, BLOCK)
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten()).item()
    model.train()
    return loss


@torch.no_grad()
def generate(model, prompt, steps, gen):
    model.eval()
    ids = prompt
    for _ in range(steps):
        probs = F.softmax(model(ids[:, -BLOCK:])[:, -1], dim=-1)
        ids = torch.cat([ids, torch.multinomial(probs, 1, generator=gen)], dim=1)
    return ids


def main():
    torch.manual_seed(4)
    gen = torch.Generator().manual_seed(4)
    train_text, test_text = corpus(6000, 1), corpus(400, 2)
    chars = sorted(set(train_text))
    stoi = {c: i for i, c in enumerate(chars)}
    train = torch.tensor([stoi[c] for c in train_text])
    test = torch.tensor([stoi[c] for c in test_text])

    model = PhraseGPT(len(chars))
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.98))
    steps = 450
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=3e-3, total_steps=steps, pct_start=0.1)
    for step in range(1, steps + 1):
        x, y = sample_batch(train, 32, gen)
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        if step % 50 == 0:
            print(f"step {step} train {loss.item():.3f} held-out {held_out_loss(model, test):.3f}")

    ids = generate(model, torch.full((40, 1), stoi["\n"]), 150, gen)
    lines = []
    for row in ids:
        lines += "".join(chars[i] for i in row.tolist()).split("\n")[1:-1]
    good = sum(bool(PATTERN.match(s)) for s in lines)
    print("sample:", lines[:2])
    print(f"held-out nats/char {held_out_loss(model, test):.3f}  well-formed generated lines {good / max(1, len(lines)):.2%}")


if __name__ == "__main__":
    main()

# sound
import torch
import torch.nn as nn
import torch.nn.functional as F
from dataclasses import dataclass


@dataclass
class GPTConfig:
    vocab: int = 6
    block: int = 24
    dim: int = 32
    heads: int = 4
    layers: int = 2


class SelfAttention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.heads = cfg.heads
        self.qkv = nn.Linear(cfg.dim, 3 * cfg.dim)
        self.proj = nn.Linear(cfg.dim, cfg.dim)

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (t.view(B, T, self.heads, -1).transpose(1, 2) for t in self.qkv(x).split(C, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).reshape(B, T, C))


class Layer(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(cfg.dim), nn.LayerNorm(cfg.dim)
        self.attn = SelfAttention(cfg)
        self.mlp = nn.Sequential(nn.Linear(cfg.dim, 2 * cfg.dim), nn.GELU(), nn.Linear(2 * cfg.dim, cfg.dim))

    def forward(self, x):
        x = x + self.attn(self.n1(x))
        return x + self.mlp(self.n2(x))


class GPT(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.tok = nn.Embedding(cfg.vocab, cfg.dim)
        self.pos = nn.Embedding(cfg.block, cfg.dim)
        self.layers = nn.ModuleList(Layer(cfg) for _ in range(cfg.layers))
        self.norm = nn.LayerNorm(cfg.dim)
        self.head = nn.Linear(cfg.dim, cfg.vocab)

    def forward(self, idx, targets=None):
        h = self.tok(idx) + self.pos(torch.arange(idx.shape[1]))
        for layer in self.layers:
            h = layer(h)
        logits = self.head(self.norm(h))
        loss = None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        return logits, loss

    @torch.no_grad()
    def generate(self, idx, n):
        self.eval()
        for _ in range(n):
            logits, _ = self(idx[:, -self.cfg.block:])
            nxt = torch.multinomial(logits[:, -1].softmax(-1), 1)
            idx = torch.cat([idx, nxt], 1)
        return idx


def markov_text(n, transition, seed):
    g = torch.Generator().manual_seed(seed)
    seq = [0, 1]
    noise = torch.multinomial(transition, n, replacement=True, generator=g).tolist()
    for i in range(n):
        seq.append((seq[-1] + 2 * seq[-2] + noise[i]) % 6)
    return torch.tensor(seq)


def batch(data, size, block):
    start = torch.randint(0, len(data) - block - 1, (size,))
    window = data[start[:, None] + torch.arange(block + 1)]
    return window[:, :-1], window[:, 1:]


torch.manual_seed(0)
steps = torch.tensor([0.8, 0.1, 0.1])
train_data, val_data = markov_text(20000, steps, 1), markov_text(4000, steps, 2)
cfg = GPTConfig()
model = GPT(cfg)
opt = torch.optim.AdamW(model.parameters(), lr=5e-3)
for it in range(401):
    model.train()
    loss = model(*batch(train_data, 24, cfg.block))[1]
    opt.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    if it % 80 == 0:
        model.eval()
        with torch.no_grad():
            val = model(*batch(val_data, 128, cfg.block))[1]
        print(f"iter {it}: train {loss.item():.3f} val {val.item():.3f}")
out = model.generate(torch.randint(0, 6, (64, 2)), 22)
follows = ((out[:, 1:-1] + 2 * out[:, :-2]) % 6 == out[:, 2:]).float().mean()
print(f"share of generated tokens that follow the most likely rule: {follows:.3f} (data: 0.80)")

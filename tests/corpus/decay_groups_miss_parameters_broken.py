# bug: the decay / no-decay groups are built by name and leave out the embeddings and the position table
# expects: OPT001
"""Mini GPT that counts: a sequence modelling exercise with AdamW parameter groups."""
import inspect
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

V, T, C, H = 24, 16, 32, 4


class CausalSelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv_weight = nn.Linear(C, 3 * C)
        self.proj_weight = nn.Linear(C, C)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv_weight(x).split(C, 2)
        q, k, v = (z.view(b, t, H, c // H).transpose(1, 2) for z in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj_weight(y.transpose(1, 2).contiguous().view(b, t, c))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(C), nn.LayerNorm(C)
        self.attn = CausalSelfAttention()
        self.up, self.down = nn.Linear(C, 4 * C), nn.Linear(4 * C, C)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class MiniGPT(nn.Module):
    def __init__(self, layers=2):
        super().__init__()
        self.tok_emb = nn.Embedding(V, C)
        self.pos_emb = nn.Parameter(torch.zeros(T, C))
        self.blocks = nn.ModuleList(Block() for _ in range(layers))
        self.norm = nn.LayerNorm(C)
        self.apply(lambda m: nn.init.normal_(m.weight, std=0.02) if isinstance(m, (nn.Linear, nn.Embedding)) else None)

    def forward(self, idx):
        x = self.tok_emb(idx) + self.pos_emb[: idx.shape[1]]
        for block in self.blocks:
            x = block(x)
        return F.linear(self.norm(x), self.tok_emb.weight)

    def configure_optimizer(self, lr, weight_decay):
        decay = [p for n, p in self.named_parameters() if n.startswith("blocks") and n.endswith("weight") and "norm" not in n]
        no_decay = [p for n, p in self.named_parameters() if n.endswith("bias") or "norm" in n]
        extra = {"foreach": False} if "foreach" in inspect.signature(torch.optim.AdamW).parameters else {}
        groups = [{"params": decay, "weight_decay": weight_decay}, {"params": no_decay, "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95), **extra)


def batch(n):
    start, stride = torch.randint(0, V, (n, 1)), torch.randint(1, 5, (n, 1))
    seq = (start + stride * torch.arange(T + 1)) % V
    return seq[:, :-1], seq[:, 1:]


def lr_at(step, total, peak):
    return peak * min(1.0, step / 30) * (0.5 * (1 + math.cos(math.pi * step / total)) * 0.9 + 0.1)


def main(total=350, peak=4e-3):
    torch.manual_seed(0)
    model = MiniGPT()
    optimizer = model.configure_optimizer(peak, 0.1)
    for step in range(1, total + 1):
        for group in optimizer.param_groups:
            group["lr"] = lr_at(step, total, peak)
        x, y = batch(24)
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 70 == 0:
            with torch.no_grad():
                x, y = batch(200)
                acc = (model(x)[:, 2:].argmax(-1) == y[:, 2:]).float().mean().item()
            print(f"step {step} loss {loss.item():.4f} accuracy from the third token on {acc:.3f}")


if __name__ == "__main__":
    main()

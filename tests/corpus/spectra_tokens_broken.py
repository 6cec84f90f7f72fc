# bug: AdamW's fourth argument is eps
# expects: OPT023
"""Classify mineral powders from a simulated Raman spectrum with a small transformer over patches of the spectrum."""
import math
import numpy as np
import torch
import torch.nn as nn

SEED, N_CLASS, POINTS, PATCH = 6, 12, 256, 16


def spectra(n, rng):
    lib = np.random.default_rng(77)
    pos = lib.uniform(20, 236, (N_CLASS, 5))
    amp = lib.uniform(0.4, 1.2, (N_CLASS, 5))
    wid = lib.uniform(2, 6, (N_CLASS, 5))
    y = rng.integers(0, N_CLASS, n)
    grid = np.arange(POINTS)
    shift = rng.normal(0, 3.0, (n, 1))
    a = amp[y] * rng.lognormal(0, 0.3, (n, 5))
    x = (a[..., None] * np.exp(-0.5 * ((grid - (pos[y] + shift)[..., None]) / wid[y][..., None]) ** 2)).sum(1)
    base = rng.normal(0, 0.4, (n, 1)) + rng.normal(0, 0.4, (n, 1)) * (grid / POINTS)
    x = x + base + rng.normal(0, 0.25, x.shape)
    x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


class Attention(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.h = heads
        self.qkv = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)

    def forward(self, x):
        B, T, D = x.shape
        q, k, v = self.qkv(x).view(B, T, 3, self.h, D // self.h).permute(2, 0, 3, 1, 4)
        w = (q @ k.transpose(-1, -2) / math.sqrt(D // self.h)).softmax(-1)
        return self.proj((w @ v).transpose(1, 2).reshape(B, T, D))


class Layer(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.att = Attention(d, heads)
        self.mlp = nn.Sequential(nn.Linear(d, 3 * d), nn.GELU(), nn.Linear(3 * d, d))

    def forward(self, x):
        x = x + self.att(self.n1(x))
        return x + self.mlp(self.n2(x))


class SpectrumFormer(nn.Module):
    def __init__(self, d=48, heads=4, layers=2):
        super().__init__()
        self.embed = nn.Linear(PATCH, d)
        self.pos = nn.Parameter(torch.randn(POINTS // PATCH, d) * 0.1)
        self.layers = nn.Sequential(*[Layer(d, heads) for _ in range(layers)])
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, N_CLASS)

    def forward(self, x):
        x = self.embed(x.unflatten(1, (-1, PATCH))) + self.pos
        return self.head(self.norm(self.layers(x)).mean(1))


def main():
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    X, Y = spectra(4000, rng)
    Xv, Yv = spectra(1000, rng)
    model = SpectrumFormer()
    epochs, bs, warm = 10, 40, 100
    opt = torch.optim.AdamW(model.parameters(), 1e-3, (0.9, 0.99), 0.01)
    total = epochs * (len(X) // bs)
    lr = torch.optim.lr_scheduler.LambdaLR(
        opt, lambda s: min(1.0, (s + 1) / warm) * 0.5 * (1 + math.cos(math.pi * min(1.0, s / total))))
    ce = nn.CrossEntropyLoss()
    print(sum(p.numel() for p in model.parameters()), 'parameters')
    for ep in range(epochs):
        model.train()
        acc_loss = 0.0
        for b in torch.randperm(len(X)).view(-1, bs):
            loss = ce(model(X[b]), Y[b])
            opt.zero_grad()
            loss.backward()
            opt.step()
            lr.step()
            acc_loss += loss.item()
        model.eval()
        with torch.inference_mode():
            out = model(Xv)
            top1 = (out.argmax(1) == Yv).float().mean().item()
            vloss = ce(out, Yv).item()
        print(f'{ep + 1:2d}/{epochs}  train {acc_loss / (len(X) // bs):.4f}  val {vloss:.4f}  top-1 {top1:.3f}')


if __name__ == '__main__':
    main()

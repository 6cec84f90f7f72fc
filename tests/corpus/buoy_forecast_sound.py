# expects: nothing
"""One-step-ahead forecasting of buoy motion (heave, pitch, roll) with a small local-attention transformer."""
import math

import torch
import torch.nn as nn

torch.manual_seed(21)
SEQ, WIDTH, D, HEADS, LAYERS = 64, 16, 32, 4, 2


def sea_state(n, length, gen):
    """Sum of wave components whose phases wander, heave coupled into pitch and roll with a lag."""
    t = torch.arange(length).float()
    freq = 0.15 + 0.5 * torch.rand(n, 4, 1, generator=gen)
    amp = torch.rand(n, 4, 1, generator=gen) + 0.2
    phase = 6.28 * torch.rand(n, 4, 1, generator=gen) + torch.cumsum(0.25 * torch.randn(n, 4, length, generator=gen), -1)
    heave = (amp * torch.sin(freq * t + phase)).sum(1)
    pitch = 0.7 * torch.roll(heave, 2, -1) + 0.3 * torch.tanh(heave)
    roll = 0.5 * torch.roll(heave, 4, -1) * torch.cos(0.3 * heave)
    x = torch.stack([heave, pitch, roll], -1)[:, 8:]
    return x + 0.05 * torch.randn(x.shape, generator=gen)


def local_window_mask(n, width):
    i = torch.arange(n)
    dist = i[:, None] - i[None, :]
    return (dist >= 0) & (dist < width)


class LocalAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(D, D) for _ in range(3))
        self.o = nn.Linear(D, D)
        self.rel = nn.Parameter(torch.zeros(HEADS, 2 * SEQ - 1))

    def forward(self, x):
        B, N, _ = x.shape
        split = lambda z: z.view(B, N, HEADS, D // HEADS).transpose(1, 2)
        q, k, v = split(self.q(x)), split(self.k(x)), split(self.v(x))
        i = torch.arange(N)
        s = q @ k.transpose(-1, -2) / math.sqrt(D // HEADS) + self.rel[:, i[:, None] - i[None, :] + SEQ - 1]
        s = s.masked_fill(~local_window_mask(N, WIDTH), float("-inf"))
        return self.o((s.softmax(-1) @ v).transpose(1, 2).reshape(B, N, D))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(D), nn.LayerNorm(D)
        self.att = LocalAttention()
        self.ff = nn.Sequential(nn.Linear(D, 2 * D), nn.GELU(), nn.Linear(2 * D, D))

    def forward(self, x):
        x = x + self.att(self.n1(x))
        return x + self.ff(self.n2(x))


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp = nn.Linear(3, D)
        self.blocks = nn.Sequential(*[Block() for _ in range(LAYERS)])
        self.out = nn.Sequential(nn.LayerNorm(D), nn.Linear(D, 3))

    def forward(self, x):
        return x + self.out(self.blocks(self.inp(x)))


gen = torch.Generator().manual_seed(21)
train = sea_state(800, SEQ + 9, gen)
valid = sea_state(200, SEQ + 9, gen)
mu, sd = train.mean((0, 1)), train.std((0, 1))
train, valid = (train - mu) / sd, (valid - mu) / sd

model = Forecaster()
opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
STEPS = 400
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=3e-3, total_steps=STEPS)


@torch.no_grad()
def evaluate():
    model.eval()
    p = model(valid[:, :-1])
    all_steps = (p - valid[:, 1:]).pow(2).mean().item()
    live = []
    for cut in range(24, SEQ, 8):                 # as on the buoy: only the past exists
        live.append((model(valid[:, :cut])[:, -1] - valid[:, cut]).pow(2).mean())
    persist = (valid[:, :-1] - valid[:, 1:]).pow(2).mean().item()
    model.train()
    return all_steps, torch.stack(live).mean().item(), persist


step, running = 0, 0.0
while step < STEPS:
    for idx in torch.randperm(len(train)).split(16):
        seq = train[idx]
        loss = nn.functional.mse_loss(model(seq[:, :-1]), seq[:, 1:])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        running += loss.item()
        step += 1
        if step % 100 == 0:
            a, l, p = evaluate()
            print(f"step {step} train {running / 100:.4f} valid {a:.4f} live {l:.4f} persistence {p:.4f}")
            running = 0.0
        if step == STEPS:
            break

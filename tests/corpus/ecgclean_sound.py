# expects: nothing
# %% ECG clean-up: denoising conv autoencoder on simulated single-lead strips (256 samples @ 128 Hz)
import math
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

gen = torch.Generator().manual_seed(77)
torch.manual_seed(77)
N, L, FS = 2600, 256, 128


# %% simulate
def strips(n):
    t = torch.arange(L) / FS
    rate = 50 + 60 * torch.rand(n, 1, generator=gen)
    start = torch.rand(n, 1, generator=gen)
    phase = (t * rate / 60 + start) % 1.0
    out = torch.zeros(n, L)
    waves = [(0.18, 0.03, 0.15), (0.285, 0.009, -0.12), (0.31, 0.011, 1.1), (0.337, 0.010, -0.25), (0.56, 0.05, 0.32)]
    for c, w, a in waves:
        c = c + 0.01 * torch.randn(n, 1, generator=gen)
        a = a * (1 + 0.25 * torch.randn(n, 1, generator=gen))
        out += a * torch.exp(-0.5 * ((phase - c) / w) ** 2)
    return out


def corrupt(x):
    n = x.shape[0]
    t = torch.arange(L) / FS
    sigma = 0.08 + 0.12 * torch.rand(n, 1, generator=gen)
    wander = 0.25 * torch.randn(n, 1, generator=gen) * torch.sin(
        2 * math.pi * (0.2 + 0.3 * torch.rand(n, 1, generator=gen)) * t + 6.28 * torch.rand(n, 1, generator=gen))
    mains = 0.1 * torch.rand(n, 1, generator=gen) * torch.sin(
        2 * math.pi * 50 * t + 6.28 * torch.rand(n, 1, generator=gen))
    return x + (sigma * torch.randn(x.shape, generator=gen) + wander + mains).view_as(x)


clean = strips(N)
tr, va = clean[:2200], clean[2200:]
va_noisy = corrupt(va)


# %% model
def down(i, o):
    return nn.Sequential(nn.Conv1d(i, o, 7, stride=2, padding=3), nn.BatchNorm1d(o), nn.LeakyReLU(0.1))


def up(i, o):
    return nn.Sequential(nn.ConvTranspose1d(i, o, 8, stride=2, padding=3), nn.BatchNorm1d(o), nn.LeakyReLU(0.1))


class Cleaner(nn.Module):
    def __init__(self):
        super().__init__()
        self.d1, self.d2, self.d3 = down(1, 16), down(16, 32), down(32, 48)
        self.u3, self.u2, self.u1 = up(48, 32), up(64, 16), up(32, 16)
        self.last = nn.Conv1d(16, 1, 7, padding=3)

    def forward(self, x):
        a = self.d1(x.unsqueeze(1))
        b = self.d2(a)
        c = self.d3(b)
        h = self.u3(c)
        h = self.u2(torch.cat([h, b], 1))
        h = self.u1(torch.cat([h, a], 1))
        return self.last(h).squeeze(1)


def snr_db(est, ref):
    return 10 * torch.log10(ref.pow(2).sum(1) / (est - ref).pow(2).sum(1)).mean().item()


net = Cleaner()
optim = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-4)
EPOCHS = 14
sched = torch.optim.lr_scheduler.CosineAnnealingLR(optim, EPOCHS)
loader = DataLoader(TensorDataset(tr), batch_size=64, shuffle=True)
print(f"input SNR on validation strips: {snr_db(va_noisy, va):.2f} dB")

# %% train
for ep in range(EPOCHS):
    net.train()
    tot = 0.0
    for (x,) in loader:
        noisy = corrupt(x)
        rec = net(noisy)
        loss = F.mse_loss(rec, x)
        optim.zero_grad()
        loss.backward()
        optim.step()
        tot += loss.item() * len(x)
    sched.step()
    net.eval()
    with torch.no_grad():
        est = net(va_noisy)
    print(f"ep {ep + 1:2d}  train mse {tot / len(tr):.5f}  valid mse {F.mse_loss(est, va):.5f}  out SNR {snr_db(est, va):.2f} dB")

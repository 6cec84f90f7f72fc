# bug: the loss compares the output with the noisy input instead of the clean trace (train loop, F.mse_loss second argument), so the net learns the identity
# expects: LOS055
import math
import time

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(31)
torch.set_num_threads(1)

N_TRAIN, N_TEST, LEN = 2400, 600, 256
EPOCHS, BATCH = 5, 32


def ricker(t, centre, freq):
    a = (math.pi * freq * (t - centre)) ** 2
    return (1 - 2 * a) * torch.exp(-a)


def make_traces(n, gen):
    """Shot records: a few decaying reflections, plus swell noise and white noise."""
    t = torch.linspace(0, 1, LEN)
    clean = torch.zeros(n, LEN)
    for _ in range(4):
        centre = torch.rand(n, 1, generator=gen) * 0.9 + 0.05
        freq = torch.rand(n, 1, generator=gen) * 10 + 12
        amp = torch.randn(n, 1, generator=gen) * torch.exp(-1.2 * centre)
        clean += amp * ricker(t[None], centre, freq)
    white = 0.35 * torch.randn(n, LEN, generator=gen)
    phase = torch.rand(n, 1, generator=gen) * 2 * math.pi
    hz = torch.rand(n, 1, generator=gen) * 1.5 + 1.5
    swell = 0.4 * torch.sin(2 * math.pi * hz * t[None] + phase)
    noisy = clean + white + swell
    return noisy.unsqueeze(1), clean.unsqueeze(1)


class DenoiseNet(nn.Module):
    def __init__(self, width=20):
        super().__init__()
        layers = [nn.Conv1d(1, width, 7, padding=3), nn.SiLU()]
        for d in (1, 2, 4, 8):
            layers += [nn.Conv1d(width, width, 5, padding=2 * d, dilation=d), nn.SiLU()]
        layers.append(nn.Conv1d(width, 1, 7, padding=3))
        self.body = nn.Sequential(*layers)

    def forward(self, x):
        return self.body(x)


def snr_db(estimate, clean):
    err = (estimate - clean).pow(2).sum()
    return 10 * torch.log10(clean.pow(2).sum() / err).item()


gen = torch.Generator().manual_seed(5)
train_noisy, train_clean = make_traces(N_TRAIN, gen)
test_noisy, test_clean = make_traces(N_TEST, gen)
scale = train_noisy.std()
train_noisy, train_clean = train_noisy / scale, train_clean / scale
test_noisy, test_clean = test_noisy / scale, test_clean / scale

loader = DataLoader(TensorDataset(train_noisy, train_clean), batch_size=BATCH, shuffle=True)
net = DenoiseNet()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, EPOCHS * len(loader))

print(f"input SNR on test: {snr_db(test_noisy, test_clean):.2f} dB")
for epoch in range(EPOCHS):
    net.train()
    start, total = time.time(), 0.0
    for noisy, clean in loader:
        out = net(noisy)
        loss = F.mse_loss(out, noisy)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        total += loss.item() * len(noisy)
    net.eval()
    with torch.no_grad():
        snr = snr_db(net(test_noisy), test_clean)
    print(f"epoch {epoch + 1}: train mse {total / N_TRAIN:.4f}  test SNR {snr:.2f} dB  ({time.time() - start:.1f}s)")

print(f"final test SNR {snr:.2f} dB")

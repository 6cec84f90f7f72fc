# expects: nothing
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def tremors(n, rng, length=128):
    """Clean synthetic seismograms: a P and an S arrival with decaying oscillation."""
    t = np.arange(length)[None, :]
    out = np.zeros((n, length))
    start = rng.uniform(10, 45, (n, 1))
    for delay, amp, period in ((0, 0.8, 7.0), (rng.uniform(15, 40, (n, 1)), 1.6, 12.0)):
        at = start + delay
        per = period * rng.uniform(0.8, 1.25, (n, 1))
        env = np.exp(-(t - at).clip(0) / rng.uniform(10, 25, (n, 1))) * (t >= at)
        out += amp * rng.uniform(0.6, 1.4, (n, 1)) * env * np.sin(2 * np.pi * (t - at) / per)
    return torch.tensor(out[:, None], dtype=torch.float32)


def add_noise(trace, sigma, gen):
    """White noise plus slow ground hum."""
    white = torch.randn(trace.shape, generator=gen)
    hum = torch.randn(trace.shape, generator=gen).cumsum(-1) * 0.08
    noise = sigma * (white + hum - hum.mean(-1, keepdim=True))
    trace = trace + noise
    return trace


class Down(nn.Sequential):
    def __init__(self, i, o):
        super().__init__(nn.Conv1d(i, o, 5, stride=2, padding=2), nn.GroupNorm(4, o), nn.GELU())


class Up(nn.Sequential):
    def __init__(self, i, o):
        super().__init__(nn.ConvTranspose1d(i, o, 4, stride=2, padding=1), nn.GroupNorm(4, o), nn.GELU())


class UNet(nn.Module):
    def __init__(self, c=12):
        super().__init__()
        self.stem = nn.Conv1d(1, c, 7, padding=3)
        self.d1, self.d2 = Down(c, 2 * c), Down(2 * c, 4 * c)
        self.u2, self.u1 = Up(4 * c, 2 * c), Up(4 * c, c)
        self.last = nn.Conv1d(2 * c, 1, 7, padding=3)

    def forward(self, x):
        s = self.stem(x)
        a = self.d1(s)
        b = self.d2(a)
        h = self.u1(torch.cat([self.u2(b), a], 1))
        return self.last(torch.cat([h, s], 1))


def snr_gain(net, noisy, clean):
    net.eval()
    with torch.no_grad():
        before = (noisy - clean).pow(2).mean()
        after = (net(noisy) - clean).pow(2).mean()
    return (10 * torch.log10(before / after)).item()


def run(seed=13, epochs=10, sigma=0.4):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    gen = torch.Generator().manual_seed(seed)
    loader = DataLoader(TensorDataset(tremors(2400, rng)), batch_size=48, shuffle=True)
    held = {}
    for split, n in (("valid", 300), ("test", 600)):
        clean = tremors(n, rng)
        held[split] = (add_noise(clean.clone(), sigma, gen), clean)

    net = UNet()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs * len(loader))
    for epoch in range(epochs):
        net.train()
        losses = []
        for (clean,) in loader:
            noisy = add_noise(clean, sigma, gen)
            loss = nn.functional.mse_loss(net(noisy), clean)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            losses.append(loss.item())
        print(f"epoch {epoch}: train loss {np.mean(losses):.5f}, valid gain {snr_gain(net, *held['valid']):.2f} dB")
    print(f"test gain over the raw trace: {snr_gain(net, *held['test']):.2f} dB")


if __name__ == "__main__":
    run()

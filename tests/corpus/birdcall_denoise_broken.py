# bug: root of a sum of squares at zero
# expects: NUM010 NUM003
"""Denoise short bird calls with a small dilated conv net, STFT-magnitude loss.

Clips have different lengths; they are zero padded to a common length and the net's output is
masked there.
"""
import math
import torch
import torch.nn as nn
import torch.nn.functional as F

SR = 4000
LEN = 2000          # half a second
CFG = dict(n_train=720, n_val=120, bs=12, epochs=8, lr=2e-3, ch=20, clip=5.0, ffts=(64, 256))


def chirp(n, g):
    t = torch.arange(n) / SR
    f0, f1 = 300 + 900 * torch.rand(1, generator=g), 300 + 900 * torch.rand(1, generator=g)
    ph = 2 * math.pi * (f0 * t + (f1 - f0) * t ** 2 / (2 * t[-1]))
    trem = 0.6 + 0.4 * torch.sin(2 * math.pi * (4 + 8 * torch.rand(1, generator=g)) * t)
    return trem * (torch.sin(ph) + 0.3 * torch.sin(2 * ph))


def synth(n, seed):
    g = torch.Generator().manual_seed(seed)
    clean, noisy, mask = (torch.zeros(n, LEN) for _ in range(3))
    for i in range(n):
        short = torch.rand(1, generator=g).item() < 0.3
        m = int(torch.randint(900, 1300, (1,), generator=g)) if short else LEN
        c = chirp(m, g)
        clean[i, :m] = c
        noisy[i, :m] = c + 0.6 * torch.randn(m, generator=g)
        mask[i, :m] = 1
    return clean, noisy, mask


class Denoiser(nn.Module):
    def __init__(self, ch):
        super().__init__()
        self.inp = nn.Conv1d(1, ch, 9, padding=4)
        self.blocks = nn.ModuleList(
            nn.Conv1d(ch, ch, 5, padding=2 * d, dilation=d) for d in (1, 2, 4, 8))
        self.out = nn.Conv1d(ch, 1, 9, padding=4)

    def forward(self, x, mask):
        h = F.gelu(self.inp(x[:, None]))
        for b in self.blocks:
            h = h + F.gelu(b(h))
        return self.out(h)[:, 0] * mask


def magnitude(x, n_fft):
    s = torch.stft(x, n_fft, hop_length=n_fft // 4, window=torch.hann_window(n_fft), return_complex=True)
    return torch.sqrt(s.real ** 2 + s.imag ** 2)


def spectral_loss(est, ref):
    total = F.l1_loss(est, ref)
    for n in CFG['ffts']:
        a, b = magnitude(est, n), magnitude(ref, n)
        total = total + 0.5 * (a - b).abs().mean()
    return total


def snr(est, ref):
    return 10 * torch.log10(ref.pow(2).sum(-1) / ((est - ref).pow(2).sum(-1) + 1e-8))


def evaluate(net, clean, noisy, mask):
    net.eval()
    with torch.no_grad():
        est = torch.cat([net(noisy[i:i + 30], mask[i:i + 30]) for i in range(0, len(clean), 30)])
    return snr(est, clean).mean().item()


def main():
    torch.manual_seed(5)
    clean, noisy, mask = synth(CFG['n_train'], 1)
    val = synth(CFG['n_val'], 2)
    net = Denoiser(CFG['ch'])
    opt = torch.optim.Adam(net.parameters(), lr=CFG['lr'])
    print('noisy input: %.2f dB' % snr(val[1], val[0]).mean())
    for ep in range(CFG['epochs']):
        net.train()
        losses = []
        for idx in torch.randperm(len(clean)).split(CFG['bs']):
            loss = spectral_loss(net(noisy[idx], mask[idx]), clean[idx])
            opt.zero_grad()
            loss.backward()
            gn = nn.utils.clip_grad_norm_(net.parameters(), CFG['clip'])
            losses.append(loss.item())
            if not torch.isfinite(gn):      # a bad batch must not ruin the weights
                continue
            opt.step()
        print('epoch %d  train %.4f  val SNR %.2f dB' % (ep + 1, sum(losses) / len(losses), evaluate(net, *val)))


if __name__ == '__main__':
    main()

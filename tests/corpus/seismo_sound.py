# expects: nothing
"""Classify seismic traces with a stack of causal dilated convolutions (WaveNet-like)."""
import argparse
import torch
import torch.nn as nn
import torch.nn.functional as F


def synth_traces(n, length, gen):
    """Quake / blast / tremor: told apart by the onset burst and by the shape of what follows it."""
    t = torch.arange(length).float()
    kind = torch.randint(0, 3, (n,), generator=gen)
    onset = torch.randint(2, length - 26, (n, 1), generator=gen).float()
    freq = torch.tensor([0.7, 1.1, 0.9])[kind][:, None] + 0.12 * torch.randn(n, 1, generator=gen)
    dt = (t[None] - onset).clamp(min=0)
    live = (t[None] >= onset).float()
    decay = torch.tensor([5.0, 5.0, 12.0])[kind][:, None]
    burst = live * torch.exp(-dt / decay) * torch.sin(freq * dt + 0.5)
    echo_at = onset + torch.tensor([9.0, 18.0, 14.0])[kind][:, None]
    de = (t[None] - echo_at).clamp(min=0)
    echo = (t[None] >= echo_at).float() * torch.exp(-de / 4.0) * torch.sin(freq * de + 0.5)
    x = burst * 2.0 + echo * 1.4 + 0.3 * torch.randn(n, length, generator=gen)
    return x[:, None, :], kind


class GatedLayer(nn.Module):
    def __init__(self, ch, dilation, k=2):
        super().__init__()
        self.pad = dilation * (k - 1)
        self.filt = nn.Conv1d(ch, ch, k, dilation=dilation)
        self.gate = nn.Conv1d(ch, ch, k, dilation=dilation)
        self.mix = nn.Conv1d(ch, ch, 1)

    def forward(self, x):
        h = F.pad(x, (self.pad, 0))
        return x + self.mix(torch.tanh(self.filt(h)) * torch.sigmoid(self.gate(h)))


class TraceNet(nn.Module):
    def __init__(self, ch, blocks, layers, classes=3):
        super().__init__()
        self.inp = nn.Conv1d(1, ch, 1)
        stack = []
        for b in range(blocks):
            for l in range(layers):
                stack.append(GatedLayer(ch, dilation=2 ** l))
        self.stack = nn.Sequential(*stack)
        self.out = nn.Sequential(nn.Linear(ch, ch), nn.ReLU(), nn.Linear(ch, classes))

    def forward(self, x):
        return self.out(self.stack(self.inp(x))[:, :, -1])


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(c) for c in x.split(250)])
    return (logits.argmax(1) == y).float().mean().item(), F.cross_entropy(logits, y).item()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--channels", type=int, default=20)
    ap.add_argument("--blocks", type=int, default=2)
    ap.add_argument("--layers", type=int, default=5)
    ap.add_argument("--length", type=int, default=60)
    ap.add_argument("--epochs", type=int, default=8)
    ap.add_argument("--lr", type=float, default=6e-3)
    ap.add_argument("--seed", type=int, default=5)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    gen = torch.Generator().manual_seed(args.seed)
    xtr, ytr = synth_traces(1600, args.length, gen)
    xva, yva = synth_traces(500, args.length, gen)
    scale = xtr.std()
    xtr, xva = xtr / scale, xva / scale

    model = TraceNet(args.channels, args.blocks, args.layers)
    steps = args.epochs * (len(xtr) // 50)
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=args.lr, total_steps=steps)
    for epoch in range(args.epochs):
        model.train()
        order = torch.randperm(len(xtr))
        total = 0.0
        for idx in order.split(50):
            loss = F.cross_entropy(model(xtr[idx]), ytr[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item() * len(idx)
        acc, vl = accuracy(model, xva, yva)
        print(f"epoch {epoch + 1}/{args.epochs} loss={total / len(xtr):.4f} val_loss={vl:.4f} val_acc={acc:.3f}")


if __name__ == "__main__":
    main()

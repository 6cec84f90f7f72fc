# expects: nothing
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CLASSES = 5


def synth_walks(n, seed):
    g = np.random.default_rng(seed)
    t = np.arange(64) / 64.0
    label = g.integers(0, CLASSES, n)
    freq = 3.0 + 0.35 * label + 0.15 * g.normal(size=n)
    skew = 0.25 * label
    phase = g.uniform(0, 2 * np.pi, n)
    base = 2 * np.pi * freq[:, None] * t + phase[:, None]
    vertical = np.sin(base) + 0.5 * np.sin(2 * base + skew[:, None])
    lateral = np.cos(0.5 * base) * g.uniform(0.6, 1.4, (n, 1))
    sig = np.stack([vertical, lateral], axis=1) + 0.5 * g.normal(size=(n, 2, 64))
    return TensorDataset(torch.tensor(sig, dtype=torch.float32), torch.tensor(label))


def build_net():
    return nn.Sequential(
        nn.Conv1d(2, 24, 7, padding=3), nn.GroupNorm(4, 24), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(24, 48, 5, padding=2), nn.GroupNorm(6, 48), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(48, 48, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Dropout(0.1), nn.Linear(48, CLASSES),
    )


def run_epoch(net, loader, criterion, opt, sched, training):
    net.train(training)
    seen, hits, total = 0, 0, 0.0
    for sig, label in loader:
        with torch.set_grad_enabled(training):
            logits = net(sig)
            loss = criterion(logits, label)
        if training:
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            opt.step()
        seen += len(label)
        hits += (logits.argmax(1) == label).sum().item()
        total += loss.item() * len(label)
    if training:
        sched.step()
    return total / seen, hits / seen


def main():
    torch.manual_seed(0)
    train = DataLoader(synth_walks(4000, 1), batch_size=64, shuffle=True)
    valid = DataLoader(synth_walks(1000, 2), batch_size=64)
    test = DataLoader(synth_walks(2000, 3), batch_size=64)
    net = build_net()
    criterion = nn.CrossEntropyLoss()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-3)
    epochs = 14
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    for epoch in range(epochs):
        tl, ta = run_epoch(net, train, criterion, opt, sched, training=True)
        vl, va = run_epoch(net, valid, criterion, opt, sched, training=False)
        print(f"[{epoch + 1:02d}/{epochs}] train {tl:.4f}/{ta:.3f}  valid {vl:.4f}/{va:.3f}")
    loss, acc = run_epoch(net, test, criterion, opt, sched, training=False)
    print(f"test loss {loss:.4f} accuracy {acc:.4f}")


if __name__ == "__main__":
    main()

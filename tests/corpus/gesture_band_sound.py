# expects: nothing
import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

CLASSES = 6
CHANNELS = 4
STEPS = 48


def simulate(n_sessions, rng):
    """Each session: one wearer does the gestures one after another."""
    proto_rng = np.random.default_rng(5)
    freq = proto_rng.uniform(0.5, 5.0, (CLASSES, CHANNELS))
    amp = proto_rng.uniform(0.4, 1.6, (CLASSES, CHANNELS))
    t = np.linspace(0, 2 * np.pi, STEPS)
    xs, ys = [], []
    for _ in range(n_sessions):
        gain = rng.uniform(0.8, 1.25, CHANNELS)
        for c in range(CLASSES):
            for _ in range(12):
                phase = rng.uniform(0, 2 * np.pi, CHANNELS)
                speed = rng.normal(1.0, 0.06)
                wave = amp[c, :, None] * np.sin(freq[c, :, None] * speed * t + phase[:, None])
                xs.append(gain[:, None] * wave + rng.normal(0, 0.9, (CHANNELS, STEPS)))
                ys.append(c)
    return torch.tensor(np.array(xs), dtype=torch.float32), torch.tensor(ys)


def make_net():
    def block(i, o, stride):
        return nn.Sequential(
            nn.Conv1d(i, o, 5, stride=stride, padding=2, bias=False), nn.BatchNorm1d(o), nn.ReLU())

    return nn.Sequential(
        block(CHANNELS, 16, 1), block(16, 24, 2), block(24, 32, 2),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(32, CLASSES))


@torch.no_grad()
def blend(ema, net, decay):
    for e, p in zip(ema.parameters(), net.parameters()):
        e.lerp_(p, 1 - decay)
    for e, b in zip(ema.buffers(), net.buffers()):
        e.copy_(b)


@torch.no_grad()
def score(net, loader):
    hits, total = 0, 0
    for x, y in loader:
        hits += (net(x).argmax(1) == y).sum().item()
        total += len(y)
    return hits / total


def main():
    torch.manual_seed(3)
    x_tr, y_tr = simulate(40, np.random.default_rng(100))
    x_va, y_va = simulate(10, np.random.default_rng(200))
    x_te, y_te = simulate(20, np.random.default_rng(300))
    mu, sd = x_tr.mean((0, 2), keepdim=True), x_tr.std((0, 2), keepdim=True)
    sets = [TensorDataset((x - mu) / sd, y) for x, y in ((x_tr, y_tr), (x_va, y_va), (x_te, y_te))]
    train = DataLoader(sets[0], batch_size=64, shuffle=True, drop_last=True)
    val = DataLoader(sets[1], batch_size=36)
    test = DataLoader(sets[2], batch_size=36)

    net = make_net()
    ema = copy.deepcopy(net)
    epochs = 12
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.1, total_steps=epochs * len(train))

    for epoch in range(epochs):
        net.train()
        total = 0.0
        for x, y in train:
            loss = F.cross_entropy(net(x), y, label_smoothing=0.05)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            sched.step()
            blend(ema, net, 0.98)
            total += loss.item()
        ema.eval()
        print(f"[{epoch:02d}] loss={total / len(train):.3f} val_acc(ema)={score(ema, val):.3f}")

    print(f"final test accuracy (ema): {score(ema, test):.3f}")


if __name__ == "__main__":
    main()

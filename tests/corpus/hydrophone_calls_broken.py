# bug: gradients of 8 micro-batches are summed without dividing the loss by the accumulation count, so plain SGD steps are 8 times too large
# expects: OPT015
"""Whale-call classification from short hydrophone clips; micro-batches are accumulated to save memory."""
import numpy as np
import torch
from torch import nn

SETTINGS = dict(micro_batch=8, accumulate=8, lr=0.12, momentum=0.9, epochs=8, clips=2560, held_out=1000, seed=14)
CALLS = ("upsweep", "downsweep", "moan", "pulse_train", "double_note")


def make_clip(kind, rng, n=160):
    t = np.arange(n) / n
    f0 = rng.uniform(14, 22)
    if kind == 0:
        s = np.sin(2 * np.pi * (f0 * t + 6 * t ** 2))
    elif kind == 1:
        s = np.sin(2 * np.pi * ((f0 + 12) * t - 6 * t ** 2))
    elif kind == 2:
        s = np.sin(2 * np.pi * (f0 + 6) * t + 1.5 * np.sin(2 * np.pi * 3 * t))
    elif kind == 3:
        s = np.sin(2 * np.pi * (f0 + 6) * t) * (np.sin(2 * np.pi * 5 * t + rng.uniform(0, 6)) > 0)
    else:
        s = np.where(t < 0.5, np.sin(2 * np.pi * f0 * t), np.sin(2 * np.pi * (f0 + 12) * t))
    return rng.uniform(0.7, 1.3) * s + rng.normal(0, 0.8, n)


def make_set(n, rng):
    y = rng.integers(0, len(CALLS), n)
    x = np.stack([make_clip(k, rng) for k in y])
    return torch.tensor(x[:, None], dtype=torch.float32), torch.tensor(y)


class ResUnit(nn.Module):
    def __init__(self, ch, dilation):
        super().__init__()
        self.norm = nn.GroupNorm(4, ch)
        self.conv = nn.Conv1d(ch, ch, 3, padding=dilation, dilation=dilation)

    def forward(self, x):
        return x + self.conv(torch.relu(self.norm(x)))


def make_net(ch=24):
    return nn.Sequential(
        nn.Conv1d(1, ch, 9, stride=2, padding=4), ResUnit(ch, 1), ResUnit(ch, 2),
        nn.AvgPool1d(2), ResUnit(ch, 4), ResUnit(ch, 8),
        nn.GroupNorm(4, ch), nn.ReLU(), nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Linear(4 * ch, len(CALLS)),
    )


def micro_batches(x, y, size):
    for idx in torch.randperm(len(x)).split(size):
        yield x[idx], y[idx]


def test(net, x, y):
    net.eval()
    with torch.no_grad():
        logits = net(x)
    net.train()
    return nn.functional.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def fit(s):
    torch.manual_seed(s["seed"])
    rng = np.random.default_rng(s["seed"])
    train, held = make_set(s["clips"], rng), make_set(s["held_out"], rng)
    net = make_net()
    opt = torch.optim.SGD(net.parameters(), lr=s["lr"], momentum=s["momentum"])
    updates = 0
    for epoch in range(s["epochs"]):
        seen_loss = 0.0
        opt.zero_grad()
        for i, (x, y) in enumerate(micro_batches(*train, s["micro_batch"]), start=1):
            loss = nn.functional.cross_entropy(net(x), y)
            seen_loss += loss.item()
            loss.backward()
            if i % s["accumulate"] == 0:
                opt.step()
                opt.zero_grad()
                updates += 1
        held_loss, held_acc = test(net, *held)
        print(f"epoch {epoch + 1} updates {updates} train loss {seen_loss / i:.3f} "
              f"held-out loss {held_loss:.3f} acc {held_acc:.3f}")


if __name__ == "__main__":
    fit(SETTINGS)

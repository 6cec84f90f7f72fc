# sound: spiral classification, cross_entropy on logits with smoothed targets
import numpy as np
import torch
import torch.nn.functional as F


def spiral(n, rng):
    theta = np.sqrt(rng.random(n)) * 2 * np.pi
    r = 0.6 * theta + 0.5
    side = rng.integers(0, 2, n)
    sign = 2 * side - 1
    pts = np.stack([sign * r * np.cos(theta), sign * r * np.sin(theta)], 1) + rng.normal(0, 0.15, (n, 2))
    return torch.tensor(pts / 3, dtype=torch.float32), torch.tensor(side)


def make_net(width):
    return torch.nn.Sequential(
        torch.nn.Linear(2, width), torch.nn.Tanh(),
        torch.nn.Linear(width, width), torch.nn.Tanh(),
        torch.nn.Linear(width, 2),
    )


def fit(net, x, y, epochs, lr, batch=50):
    opt = torch.optim.Adam(net.parameters(), lr=lr)
    log = []
    for epoch in range(epochs):
        losses = []
        for idx in torch.randperm(len(x)).split(batch):
            logits = net(x[idx])
            targets = 0.95 * F.one_hot(y[idx], 2) + 0.025
            loss = F.cross_entropy(logits, targets)
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        log.append(np.mean(losses))
    return log


def evaluate(net, x, y):
    with torch.no_grad():
        p = net(x).softmax(1)[:, 1]
    acc = ((p > 0.5) == y.bool()).float().mean().item()
    brier = ((p - y) ** 2).mean().item()
    return acc, brier


if __name__ == "__main__":
    torch.manual_seed(6)
    rng = np.random.default_rng(6)
    x, y = spiral(1000, rng)
    xt, yt = spiral(400, rng)
    net = make_net(32)
    for stage in range(4):
        log = fit(net, x, y, epochs=10, lr=5e-3 / (1 + stage))
        acc, brier = evaluate(net, xt, yt)
        print(f"stage {stage}: loss {log[0]:.3f} -> {log[-1]:.3f}, accuracy {acc:.3f}, Brier {brier:.3f}")

# bug: StatsPool takes sqrt of a variance that is exactly 0 for records with a lost signal: NaN gradients, and the finite-norm guard then skips nearly every step
# expects: NUM010
"""Classify walking surfaces from a three-axis ankle sensor, with statistics pooling."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

SURFACES = 5
LENGTH = 80


def simulate(n, gen):
    y = torch.randint(SURFACES, (n,), generator=gen)
    t = torch.linspace(0, 4, LENGTH)
    speed = 1.2 + 0.3 * torch.randn(n, 1, 1, generator=gen)
    phase = 6.28 * torch.rand(n, 3, 1, generator=gen)
    base = torch.sin(6.28 * speed * t + phase)
    rough = torch.tensor([0.05, 0.2, 0.2, 0.45, 0.45])[y][:, None, None]
    ring = torch.tensor([0.0, 0.0, 0.5, 0.0, 0.5])[y][:, None, None]
    x = base + rough * torch.randn(n, 3, LENGTH, generator=gen)
    x = x + ring * torch.sin(6.28 * 5 * t + phase.flip(1)) + 0.25 * torch.randn(n, 3, LENGTH, generator=gen)
    lost = torch.rand(n, generator=gen) < 0.06
    x[lost] = 0.0
    return x, y


class StatsPool(nn.Module):
    def forward(self, h):
        mean = h.mean(-1)
        var = (h - mean.unsqueeze(-1)).square().mean(-1)
        return torch.cat([mean, var.sqrt()], dim=1)


def build():
    return nn.Sequential(
        nn.Conv1d(3, 24, 7), nn.ReLU(),
        nn.Conv1d(24, 32, 5), nn.ReLU(),
        StatsPool(),
        nn.Linear(64, 48), nn.ReLU(), nn.Dropout(0.1),
        nn.Linear(48, SURFACES),
    )


def accuracy(net, loader):
    net.eval()
    right = total = 0
    with torch.no_grad():
        for xb, yb in loader:
            right += (net(xb).argmax(1) == yb).sum().item()
            total += len(yb)
    return right / total


def train(net, loader, held_out, epochs=12):
    opt = torch.optim.RMSprop(net.parameters(), lr=1e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs, eta_min=2e-5)
    lossf = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        net.train()
        tot = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = lossf(net(xb), yb)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            if torch.isfinite(norm):
                opt.step()
            tot += loss.item()
        sched.step()
        print(f"epoch {epoch}: loss {tot / len(loader):.3f}, validation accuracy {accuracy(net, held_out):.3f}")


def main():
    torch.manual_seed(21)
    gen = torch.Generator().manual_seed(21)
    full = TensorDataset(*simulate(6500, gen))
    tr, va, te = random_split(full, [4500, 800, 1200], generator=gen)
    net = build()
    train(net, DataLoader(tr, 64, shuffle=True, generator=gen), DataLoader(va, 400))
    print(f"test accuracy {accuracy(net, DataLoader(te, 400)):.3f}")


if __name__ == "__main__":
    main()

# expects: MOD030
"""Spiking network (leaky integrate-and-fire, surrogate gradient) on rate-coded digits."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

STEPS = 12
BATCH = 50
EPOCHS = 12


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, v):
        ctx.save_for_backward(v)
        return (v > 0).float()

    @staticmethod
    def backward(ctx, grad):
        (v,) = ctx.saved_tensors
        return grad / (1 + 4.0 * v.abs()) ** 2


class LIF(nn.Module):
    """Leaky integrate-and-fire cells; keeps the membrane so that a sequence can be fed in pieces."""

    def __init__(self, leak=0.95, threshold=1.0):
        super().__init__()
        self.leak, self.threshold = leak, threshold
        self.membrane = None

    def reset(self):
        self.membrane = None

    def forward(self, current):
        v = self.membrane
        if v is None or v.shape != current.shape[1:]:
            v = torch.zeros_like(current[0])
        spikes = []
        for i in current:
            v = self.leak * v + i
            s = Spike.apply(v - self.threshold)
            v = v - s * self.threshold
            spikes.append(s)
        self.membrane = v.detach()
        return torch.stack(spikes)


class Readout(nn.Module):
    """Non-spiking output cells; the class score is the mean membrane over time."""

    def __init__(self, n_in, n_out, leak=0.95):
        super().__init__()
        self.fc = nn.Linear(n_in, n_out)
        self.leak = leak

    def forward(self, spikes):
        v, total = 0.0, 0.0
        for i in self.fc(spikes):
            v = self.leak * v + i
            total = total + v
        return total / len(spikes)


def spiking_layer(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, n_out), LIF())


class SpikingNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = spiking_layer(64, 128)
        self.layer2 = spiking_layer(128, 64)
        self.readout = Readout(64, 10)

    def reset(self):
        for m in self.children():
            if isinstance(m, LIF):
                m.reset()

    def forward(self, x):
        self.reset()
        current = x.unsqueeze(0).expand(STEPS, -1, -1)
        return self.readout(self.layer2(self.layer1(current)))


def load():
    x, y = load_digits(return_X_y=True)
    x = torch.tensor(x / 16.0, dtype=torch.float32)
    y = torch.tensor(y)
    x_tr, x_te, y_tr, y_te = train_test_split(x, y, test_size=450, stratify=y, random_state=0)
    return TensorDataset(x_tr, y_tr), TensorDataset(x_te, y_te)


@torch.no_grad()
def test(net, loader):
    net.eval()
    hits, n = 0, 0
    for x, y in loader:
        hits += (net(x).argmax(1) == y).sum().item()
        n += len(y)
    return hits / n


def main():
    torch.manual_seed(2)
    train_set, test_set = load()
    train_loader = DataLoader(train_set, batch_size=BATCH, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, batch_size=BATCH)
    net = SpikingNet()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, EPOCHS)
    for epoch in range(EPOCHS):
        net.train()
        running = 0.0
        for x, y in train_loader:
            loss = F.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            running += loss.item()
        sched.step()
        print(f"epoch {epoch + 1:2d}  loss {running / len(train_loader):.4f}  test acc {test(net, test_loader):.4f}")


if __name__ == "__main__":
    main()

# bug: the whole validation set is evaluated inside the batch loop after every step, most of the run time goes to evaluation
# expects: PRF006
import argparse
import time

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser(description="tell apart five valve conditions from short microphone clips")
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--batch", type=int, default=32)
parser.add_argument("--lr", type=float, default=2e-3)
parser.add_argument("--seed", type=int, default=31)


def record(n, gen, length=256):
    t = torch.arange(length) / length
    y = torch.randint(5, (n,), generator=gen)
    base = torch.tensor([9.0, 13.0, 13.0, 18.0, 18.0])[y]
    hiss = torch.tensor([0.3, 0.3, 0.9, 0.3, 0.3])[y]
    knock = torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0])[y]
    pitch = base * (1 + 0.06 * torch.randn(n, generator=gen))
    phase = 6.283 * torch.rand(n, generator=gen)
    tone = torch.sin(6.283 * pitch[:, None] * t + phase[:, None])
    where = torch.rand(n, generator=gen)
    burst = torch.exp(-((t - where[:, None]) / 0.02) ** 2) * torch.sin(6.283 * 60 * t)
    x = tone + hiss[:, None] * torch.randn(n, length, generator=gen) + 1.5 * knock[:, None] * burst
    return x.unsqueeze(1) + 0.5 * torch.randn(n, 1, length, generator=gen), y


def conv_block(i, o):
    return nn.Sequential(nn.Conv1d(i, o, 9, padding=4), nn.BatchNorm1d(o), nn.ReLU(), nn.MaxPool1d(4))


class ClipNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(conv_block(1, 12), conv_block(12, 24), conv_block(24, 32))
        self.fc = nn.Linear(32, 5)

    def forward(self, x):
        return self.fc(self.body(x).amax(-1))


@torch.no_grad()
def evaluate(net, loader):
    net.eval()
    right = count = 0
    for x, y in loader:
        right += (net(x).argmax(1) == y).sum().item()
        count += len(y)
    net.train()
    return right / count


def main():
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    gen = torch.Generator().manual_seed(args.seed)
    train = DataLoader(TensorDataset(*record(1600, gen)), batch_size=args.batch, shuffle=True)
    valid = DataLoader(TensorDataset(*record(400, gen)), batch_size=200)
    test = DataLoader(TensorDataset(*record(1000, gen)), batch_size=200)

    net = ClipNet()
    opt = torch.optim.Adamax(net.parameters(), lr=args.lr)
    best, best_state = 0.0, None
    begun = time.time()
    for epoch in range(args.epochs):
        total = 0.0
        for x, y in train:
            loss = nn.functional.cross_entropy(net(x), y, label_smoothing=0.05)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
            acc = evaluate(net, valid)
            if acc > best:
                best = acc
                best_state = {k: v.clone() for k, v in net.state_dict().items()}
        print(f"epoch {epoch} loss {total / len(train):.4f} valid {acc:.3f} best {best:.3f} [{time.time() - begun:.0f}s]")
    net.load_state_dict(best_state)
    print(f"test accuracy {evaluate(net, test):.3f}, total {time.time() - begun:.1f}s")


if __name__ == "__main__":
    main()

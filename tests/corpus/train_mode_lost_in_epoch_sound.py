# sound: fine-tuning with the batch norm of the frozen stem kept in eval mode on purpose
"""Keyword spotting from MFCC-like frames."""
import torch
import torch.nn as nn


class Stem(nn.Module):
    def __init__(self, n_mels, width):
        super().__init__()
        self.conv = nn.Conv1d(n_mels, width, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm1d(width)

    def forward(self, x):
        return torch.relu(self.bn(self.conv(x)))


class KeywordNet(nn.Module):
    def __init__(self, n_mels=13, width=24, n_words=6):
        super().__init__()
        self.stem = Stem(n_mels, width)
        self.mid = nn.Sequential(nn.Conv1d(width, width, 3, padding=1, bias=False), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.2))
        self.fc = nn.Linear(width, n_words)

    def forward(self, x):
        return self.fc(self.mid(self.stem(x)).mean(-1))


def utterances(n, seed, gain=1.0):
    g = torch.Generator().manual_seed(seed)
    templates = torch.randn(6, 13, 20, generator=torch.Generator().manual_seed(0))
    y = torch.randint(0, 6, (n,), generator=g)
    x = templates[y] + 1.6 * torch.randn(n, 13, 20, generator=g)
    return gain * x + 3.0 * (gain - 1), y


def epoch_loop(model, opt, x, y):
    total = 0.0
    for idx in torch.randperm(len(x)).split(40):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
    return total / len(x)


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    return (model(x).argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(0)
    x, y = utterances(800, 1)
    xt, yt = utterances(300, 2)
    model = KeywordNet()
    opt = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(6):
        model.train()
        loss = epoch_loop(model, opt, x, y)
        print(f"epoch {epoch}: loss {loss:.4f} test accuracy {accuracy(model, xt, yt):.3f}")

    # another microphone: adapt all but the stem
    x2, y2 = utterances(400, 3, gain=1.2)
    x2t, y2t = utterances(300, 4, gain=1.2)
    model.stem.requires_grad_(False)
    print(f"new microphone before adaptation: {accuracy(model, x2t, y2t):.3f}")
    opt = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.01, momentum=0.9)
    for epoch in range(6):
        model.train()
        model.stem.eval()
        loss = epoch_loop(model, opt, x2, y2)
        print(f"adaptation {epoch}: loss {loss:.4f} test accuracy {accuracy(model, x2t, y2t):.3f}")


if __name__ == "__main__":
    main()

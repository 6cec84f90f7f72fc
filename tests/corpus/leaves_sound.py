# expects: nothing
"""Small ConvNet with batch norm on 8x8 glyphs, evaluated with averaged weights."""
import copy
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

EPOCHS, AVERAGE_FROM, DECAY, LR, BATCH = 24, 6, 0.98, 0.05, 64


def conv(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU())


def network():
    return nn.Sequential(conv(1, 16), conv(16, 32), nn.MaxPool2d(2), conv(32, 32), nn.AdaptiveAvgPool2d(2),
                         nn.Flatten(), nn.Dropout(0.2), nn.Linear(128, 10))


class Averager:
    def __init__(self, model, decay):
        self.decay = decay
        self.shadow = {k: v.detach().clone() for k, v in self.tracked(model)}
        self.net = copy.deepcopy(model)

    @staticmethod
    def tracked(model):
        return [(k, v) for k, v in model.state_dict().items() if v.is_floating_point()]

    @torch.no_grad()
    def update(self, model):
        for k, v in self.tracked(model):
            self.shadow[k].lerp_(v, 1 - self.decay)

    def averaged(self):
        self.net.load_state_dict(self.shadow, strict=False)
        return self.net.eval()


@torch.no_grad()
def test(model, x, y):
    model.eval()
    out = model(x)
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(6)
    d = load_digits()
    x = torch.tensor(d.images, dtype=torch.float32)[:, None] / 16
    y = torch.tensor(d.target)
    tr, te = train_test_split(range(len(y)), test_size=500, random_state=6, stratify=y)
    xtr, ytr, xte, yte = x[tr], y[tr], x[te], y[te]
    mean, std = xtr.mean(), xtr.std()
    xtr, xte = (xtr - mean) / std, (xte - mean) / std

    model = network()
    opt = torch.optim.SGD(model.parameters(), lr=LR, momentum=0.9, weight_decay=5e-4)
    average = None
    for epoch in range(1, EPOCHS + 1):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(xtr)).split(BATCH):
            loss = F.cross_entropy(model(xtr[idx]), ytr[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            if average is not None:
                average.update(model)
            total += loss.item() * len(idx)
        line = f"epoch {epoch:2d}  train loss {total / len(xtr):.4f}"
        if average is not None:
            vl, acc = test(average.averaged(), xte, yte)
            line += f"  averaged: test loss {vl:.4f} acc {acc:.4f}"
        print(line)
        if epoch == AVERAGE_FROM:
            average = Averager(model, DECAY)
    vl, acc = test(average.averaged(), xte, yte)
    print(f"averaged weights: test loss {vl:.4f} accuracy {acc:.4f}")


main()

# expects: nothing
"""Small depthwise-separable network for 8x8 digits, carried over from a TF-slim model definition."""
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


@dataclass
class HParams:
    width: int = 32
    bn_decay: float = 0.9
    bn_epsilon: float = 1e-3
    lr: float = 0.05
    weight_decay: float = 4e-5
    batch_size: int = 64
    epochs: int = 20
    seed: int = 21


def conv_bn(cin, cout, hp, stride=1, depthwise=False, kernel=3):
    return nn.Sequential(
        nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=cin if depthwise else 1, bias=False),
        nn.BatchNorm2d(cout, eps=hp.bn_epsilon, momentum=1 - hp.bn_decay),
        nn.ReLU6(),
    )


class SeparableBlock(nn.Module):
    def __init__(self, cin, cout, hp, stride=1):
        super().__init__()
        self.depthwise = conv_bn(cin, cin, hp, stride, depthwise=True)
        self.pointwise = conv_bn(cin, cout, hp, kernel=1)

    def forward(self, x):
        return self.pointwise(self.depthwise(x))


class DigitModule(nn.Module):
    def __init__(self, hp):
        super().__init__()
        self.hp = hp
        w = hp.width
        self.stem = conv_bn(1, w, hp)
        self.blocks = nn.Sequential(
            SeparableBlock(w, 2 * w, hp, stride=2),
            SeparableBlock(2 * w, 2 * w, hp),
            SeparableBlock(2 * w, 4 * w, hp, stride=2),
        )
        self.classifier = nn.Linear(4 * w, 10)

    def forward(self, x):
        return self.classifier(self.blocks(self.stem(x)).mean((2, 3)))

    def training_step(self, batch):
        x, y = batch
        return F.cross_entropy(self(x), y)

    def validation_step(self, batch):
        x, y = batch
        logits = self(x)
        return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()

    def configure_optimizers(self, steps):
        opt = torch.optim.SGD(self.parameters(), lr=self.hp.lr, momentum=0.9, nesterov=True,
                              weight_decay=self.hp.weight_decay)
        return opt, torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=steps)


def data(hp):
    images, labels = load_digits(return_X_y=True)
    xtr, xva, ytr, yva = train_test_split(images, labels, test_size=0.3, stratify=labels, random_state=hp.seed)
    to = lambda a: torch.tensor(a / 8.0 - 1.0, dtype=torch.float32).view(-1, 1, 8, 8)
    return (to(xtr), torch.tensor(ytr)), (to(xva), torch.tensor(yva))


def fit(hp):
    torch.manual_seed(hp.seed)
    (xtr, ytr), valid = data(hp)
    module = DigitModule(hp)
    per_epoch = len(xtr) // hp.batch_size
    opt, sched = module.configure_optimizers(per_epoch * hp.epochs)
    for epoch in range(hp.epochs):
        module.train()
        order = torch.randperm(len(xtr))
        total = 0.0
        for b in range(per_epoch):
            idx = order[b * hp.batch_size:(b + 1) * hp.batch_size]
            loss = module.training_step((xtr[idx], ytr[idx]))
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item()
        module.eval()
        with torch.no_grad():
            val_loss, val_acc = module.validation_step(valid)
        print(f"epoch {epoch:2d} train_loss {total / per_epoch:.4f} val_loss {val_loss:.4f} val_acc {val_acc:.4f}")


if __name__ == "__main__":
    fit(HParams())

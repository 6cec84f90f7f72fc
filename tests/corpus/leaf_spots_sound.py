# expects: nothing
import argparse

import numpy as np
import torch
from torch import nn
from sklearn.metrics import balanced_accuracy_score, confusion_matrix

NAMES = ["healthy", "rust", "blight", "mildew"]
SHARE = [0.82, 0.08, 0.06, 0.04]


def leaf(kind, rng, size=28):
    yy, xx = np.mgrid[:size, :size]
    img = rng.normal(0.0, 0.25, (3, size, size))
    img[1] += 0.6 + 0.1 * np.sin(xx / rng.uniform(2, 5))
    if kind:
        for _ in range(rng.integers(2, 5)):
            cy, cx = rng.uniform(4, size - 4, 2)
            r = np.hypot(yy - cy, xx - cx)
            if kind == 1:
                img[0] += 0.3 * (r < 2.5)
            elif kind == 2:
                img[:2] -= 0.22 * (r < 3.5)
            else:
                img += 0.26 * (np.abs(r - 3) < 1.0)
    return img


def dataset(n, rng):
    y = rng.choice(4, n, p=SHARE)
    x = np.stack([leaf(k, rng) for k in y])
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


def class_weights(labels, n_classes):
    freq = torch.bincount(labels, minlength=n_classes).float() / len(labels)
    w = 1.0 / freq
    return w / w.sum() * n_classes


def build():
    def block(i, o):
        return [nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU()]
    return nn.Sequential(*block(3, 16), nn.MaxPool2d(2), *block(16, 32), nn.MaxPool2d(2), *block(32, 32),
                         nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(32, 4))


@torch.inference_mode()
def classify(net, x):
    net.eval()
    return torch.cat([net(c).argmax(1) for c in x.split(256)])


def main(args):
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    x_train, y_train = dataset(args.train, rng)
    x_test, y_test = dataset(args.test, rng)
    print("train counts", dict(zip(NAMES, torch.bincount(y_train).tolist())))
    net = build()
    criterion = nn.CrossEntropyLoss(weight=class_weights(y_train, 4))
    opt = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9, nesterov=True, weight_decay=5e-4)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, args.epochs)
    for epoch in range(1, args.epochs + 1):
        net.train()
        losses = []
        for idx in torch.randperm(len(x_train)).split(args.batch):
            opt.zero_grad(set_to_none=True)
            loss = criterion(net(x_train[idx]), y_train[idx])
            loss.backward()
            opt.step()
            losses.append(loss.item())
        sched.step()
        print(f"epoch {epoch}/{args.epochs} loss {np.mean(losses):.4f}")
    pred = classify(net, x_test)
    print(confusion_matrix(y_test, pred))
    print(f"accuracy {(pred == y_test).float().mean():.3f}  balanced accuracy {balanced_accuracy_score(y_test, pred):.3f}")


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--train", type=int, default=3000)
    p.add_argument("--test", type=int, default=2000)
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--batch", type=int, default=50)
    p.add_argument("--lr", type=float, default=0.02)
    p.add_argument("--seed", type=int, default=3)
    main(p.parse_args())

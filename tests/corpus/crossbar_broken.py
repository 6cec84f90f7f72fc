# bug: weights are kept without a copy, and noise stays in them after each evaluation
# expects: TRN005
# Digit classifier meant for an analog crossbar chip.  After each epoch we report the accuracy of the clean
# network and of networks whose weights are disturbed as the programming of the chip disturbs them.
import argparse

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=30)
parser.add_argument("--lr", type=float, default=1e-3)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--noise", type=float, default=0.12, help="programming noise relative to each layer's weight std")
parser.add_argument("--trials", type=int, default=5)
parser.add_argument("--seed", type=int, default=2)
args = parser.parse_args()
torch.manual_seed(args.seed)

digits = load_digits()
xtr, xte, ytr, yte = train_test_split(digits.data, digits.target, test_size=0.25, random_state=args.seed,
                                      stratify=digits.target)
xtr, xte = (torch.tensor(a, dtype=torch.float32) / 8 - 1 for a in (xtr, xte))
ytr, yte = torch.tensor(ytr), torch.tensor(yte)


class CrossbarNet(nn.Module):
    def __init__(self, sizes=(64, 64, 32, 10)):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:]))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.tanh(layer(x))
        return self.layers[-1](x)


def accuracy(model, x, y):
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


@torch.no_grad()
def program_chip(model, noise):
    for layer in model.layers:
        layer.weight.add_(torch.randn_like(layer.weight) * noise * layer.weight.std())


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        loss = nn.functional.cross_entropy(model(x), y).item()
    clean_acc = accuracy(model, x, y)

    clean = model.state_dict()
    chip_acc = []
    for _ in range(args.trials):
        program_chip(model, args.noise)
        chip_acc.append(accuracy(model, x, y))
        model.load_state_dict(clean)
    model.train()
    return loss, clean_acc, sum(chip_acc) / len(chip_acc)


model = CrossbarNet()
optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
history = []
for epoch in range(1, args.epochs + 1):
    running = 0.0
    for idx in torch.randperm(len(xtr)).split(args.batch_size):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xtr[idx]), ytr[idx])
        loss.backward()
        optimizer.step()
        running += loss.item() * len(idx)
    test_loss, clean_acc, chip_acc = evaluate(model, xte, yte)
    history.append((running / len(xtr), test_loss, clean_acc, chip_acc))
    if epoch % 3 == 0:
        print("epoch %2d  train loss %.4f  test loss %.4f  clean acc %.3f  on-chip acc %.3f" % (epoch, *history[-1]))

last = history[-5:]
print("mean of the last five epochs: clean acc %.3f  on-chip acc %.3f" % tuple(
    sum(h[i] for h in last) / len(last) for i in (2, 3)))

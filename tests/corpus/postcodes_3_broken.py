# bug: gathered gradients are not averaged
# expects: OPT015
# Handwritten digit reader for scanned postcodes. The box it runs on has little memory,
# so a batch of 32 goes through the network in pieces of 4.
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

BATCH = 32
MICRO = 4
ACCUM = BATCH // MICRO
EPOCHS = 15
LR = 0.05


def get_data():
    images, labels = load_digits(return_X_y=True)
    a, b, ya, yb = train_test_split(images, labels, test_size=0.3, random_state=42, stratify=labels)
    to_t = lambda im: torch.tensor(im / 16.0 - 0.3, dtype=torch.float32).reshape(-1, 1, 8, 8)
    return to_t(a), torch.tensor(ya), to_t(b), torch.tensor(yb)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 3, padding=1)
        self.c2 = nn.Conv2d(16, 32, 3, padding=1)
        self.f1 = nn.Linear(32 * 4, 64)
        self.f2 = nn.Linear(64, 10)
        self.drop = nn.Dropout(0.2)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        x = F.relu(self.f1(x.flatten(1)))
        return self.f2(self.drop(x))


def train_one_epoch(net, opt, x, y):
    net.train()
    n_updates = len(x) // BATCH
    pieces = torch.randperm(len(x))[:n_updates * BATCH].split(MICRO)
    running = 0.0
    opt.zero_grad()
    for i, idx in enumerate(pieces):
        loss = F.cross_entropy(net(x[idx]), y[idx])
        running += loss.item()
        loss.backward()
        if (i + 1) % ACCUM == 0:
            opt.step()
            opt.zero_grad()
    return running / len(pieces)


def test(net, x, y):
    net.eval()
    with torch.no_grad():
        out = net(x)
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(0)
    x, y, xt, yt = get_data()
    net = Net()
    opt = torch.optim.SGD(net.parameters(), lr=LR, momentum=0.9, weight_decay=5e-4)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, EPOCHS)
    for ep in range(1, EPOCHS + 1):
        tr = train_one_epoch(net, opt, x, y)
        sched.step()
        te, acc = test(net, xt, yt)
        print("epoch %2d  train %.3f  test %.3f  accuracy %.2f%%" % (ep, tr, te, 100 * acc))


main()

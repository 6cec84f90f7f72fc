import torch
from sklearn.datasets import load_digits
from torch import nn


class Vision(nn.Module):
    def __init__(self, ch=16, classes=10):
        super().__init__()
        self.layers = nn.ModuleList()
        for i, o in [(1, ch), (ch, ch), (ch, 2 * ch)]:
            self.layers.append(nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU()))
        self.fc = nn.Linear(2 * ch, classes)

    def forward(self, x):
        for k, layer in enumerate(self.layers):
            x = layer(x)
            if k == 1:
                x = nn.functional.max_pool2d(x, 2)
        return self.fc(x.amax((2, 3)))


def evaluate(model, batches):
    model.eval()
    good = total = 0
    with torch.no_grad():
        for x, y in batches:
            good += (model(x).argmax(1) == y).sum().item()
            total += len(y)
    return good / total


def main():
    torch.manual_seed(44)
    d = load_digits()
    x = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 16
    x = (x - 0.305) / 0.376
    y = torch.tensor(d.target)
    perm = torch.randperm(len(y))
    tr, te = perm[:1400], perm[1400:]
    # the field data comes sorted: device by device, and a device sees one digit
    te = te[y[te].argsort()]
    test_batches = [(x[b], y[b]) for b in te.split(20)]
    model = Vision()
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    sched = torch.optim.lr_scheduler.PolynomialLR(opt, total_iters=5)
    for epoch in range(5):
        model.train()
        running = 0.0
        for b in tr[torch.randperm(1400)].split(35):
            loss = nn.functional.cross_entropy(model(x[b]), y[b])
            opt.zero_grad()
            loss.backward()
            opt.step()
            running = 0.9 * running + 0.1 * loss.item()
        sched.step()
        print(f"epoch {epoch} | loss {running:.4f} | test accuracy {evaluate(model, test_batches):.4f}")


main()

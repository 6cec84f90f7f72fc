# bug: raw measurements (hundreds) go into a tanh network without scaling, so the units are saturated
# expects: DAT002 MOD004
"""Breast cancer diagnosis from cell measurements."""
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import balanced_accuracy_score
from torch import nn

EPOCHS, BATCH, LR = 12, 24, 0.01


class TanhNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.input = nn.Linear(30, 20)
        self.middle = nn.Linear(20, 20)
        self.output = nn.Linear(20, 2)

    def forward(self, x):
        x = torch.tanh(self.input(x))
        x = torch.tanh(self.middle(x))
        return self.output(x)


def prepare(seed):
    bunch = load_breast_cancer()
    x = torch.tensor(bunch.data, dtype=torch.float32)
    y = torch.tensor(bunch.target, dtype=torch.long)
    g = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(x), generator=g)
    x, y = x[order], y[order]
    train_x, test_x = x[:450], x[450:]
    return (train_x, y[:450]), (test_x, y[450:])


def main():
    torch.manual_seed(0)
    (x, y), (xt, yt) = prepare(seed=5)
    net = TanhNet()
    opt = torch.optim.SGD(net.parameters(), lr=LR, momentum=0.9)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(EPOCHS):
        net.train()
        acc_loss = 0.0
        for idx in torch.randperm(len(x)).split(BATCH):
            opt.zero_grad()
            loss = loss_fn(net(x[idx]), y[idx])
            loss.backward()
            opt.step()
            acc_loss += float(loss) * len(idx)
        net.eval()
        with torch.no_grad():
            bal = balanced_accuracy_score(yt, net(xt).argmax(1))
        print(f"epoch {epoch} loss {acc_loss / len(x):.4f} balanced accuracy {bal:.3f}")


if __name__ == "__main__":
    main()

# sound: ReLU network with small positive biases
"""Two-moons-like classification in 6 dimensions with a custom initialisation."""
import numpy as np
import torch
from sklearn.datasets import make_moons
from torch import nn


def init_weights(m):
    if isinstance(m, nn.Linear):
        nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
        if m.bias is not None:
            nn.init.constant_(m.bias, 0.01)


class MoonNet(nn.Module):
    def __init__(self, d_in=6, widths=(32, 32), n_out=2):
        super().__init__()
        blocks = []
        for w in widths:
            blocks.append(nn.Linear(d_in, w))
            blocks.append(nn.ReLU(inplace=True))
            d_in = w
        self.hidden = nn.Sequential(*blocks)
        self.classifier = nn.Linear(d_in, n_out)
        self.hidden.apply(init_weights)

    def forward(self, x):
        return self.classifier(self.hidden(x))


def data(n, seed):
    xy, label = make_moons(n, noise=0.15, random_state=seed)
    mix = np.random.RandomState(0).randn(2, 6) / np.sqrt(2)
    return torch.tensor(xy @ mix, dtype=torch.float32), torch.tensor(label)


def main():
    torch.manual_seed(18)
    x, y = data(1000, 1)
    xt, yt = data(300, 2)
    model = MoonNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[8, 12], gamma=0.2)
    ce = nn.CrossEntropyLoss()
    for epoch in range(14):
        model.train()
        epoch_loss = 0.0
        for b in torch.randperm(len(x)).split(50):
            optimizer.zero_grad()
            loss = ce(model(x[b]), y[b])
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() / 20
        scheduler.step()
        model.eval()
        with torch.no_grad():
            acc = (model(xt).argmax(-1) == yt).float().mean().item()
        print(f"epoch {epoch:2d} lr {scheduler.get_last_lr()[0]:.4f} loss {epoch_loss:.4f} test acc {acc:.3f}")


if __name__ == "__main__":
    main()

# expects: nothing
import numpy as np
import torch
from accelerate import Accelerator
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

DEPOTS = 16


class SmoothedLoss(nn.Module):
    def __init__(self, classes, smoothing):
        super().__init__()
        self.classes = classes
        self.smoothing = smoothing

    def forward(self, logits, target):
        logp = logits.log_softmax(dim=-1)
        with torch.no_grad():
            dist = torch.full_like(logp, self.smoothing / (self.classes - 1))
            dist.scatter_(1, target.unsqueeze(1), 1.0 - self.smoothing)
        return (-dist * logp).sum(dim=-1).mean()


class ResidualMLP(nn.Module):
    def __init__(self, d_in, width=160, blocks=3):
        super().__init__()
        self.stem = nn.Linear(d_in, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU(), nn.Dropout(0.15), nn.Linear(width, width))
            for _ in range(blocks)
        )
        self.head = nn.Linear(width, DEPOTS)

    def forward(self, x):
        h = self.stem(x)
        for block in self.blocks:
            h = h + block(h)
        return self.head(h)


def load():
    x, y = make_classification(
        n_samples=9000, n_features=40, n_informative=18, n_redundant=6, n_classes=DEPOTS,
        n_clusters_per_class=1, class_sep=2.0, flip_y=0.02, random_state=31,
    )
    x_tr, x_te, y_tr, y_te = train_test_split(x, y, test_size=0.3, stratify=y, random_state=31)
    sc = StandardScaler().fit(x_tr)
    wrap = lambda a, b: TensorDataset(torch.tensor(sc.transform(a), dtype=torch.float32), torch.tensor(b))
    return wrap(x_tr, y_tr), wrap(x_te, y_te)


def main():
    torch.manual_seed(31)
    acc = Accelerator(cpu=True)
    train_set, test_set = load()
    train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=300)
    model = ResidualMLP(40)
    optimizer = torch.optim.NAdam(model.parameters(), lr=1e-3)
    model, optimizer, train_loader, test_loader = acc.prepare(model, optimizer, train_loader, test_loader)
    criterion = SmoothedLoss(DEPOTS, smoothing=0.05)

    for epoch in range(14):
        model.train()
        losses = []
        for features, depot in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(features), depot)
            acc.backward(loss)
            optimizer.step()
            losses.append(loss.item())
        acc.print(f"epoch {epoch + 1}/14 - loss: {np.mean(losses):.4f}")

    model.eval()
    probs, truth = [], []
    with torch.no_grad():
        for features, depot in test_loader:
            probs.append(model(features).softmax(-1))
            truth.append(depot)
    probs, truth = torch.cat(probs), torch.cat(truth)
    conf, guess = probs.max(1)
    log_loss = -probs[torch.arange(len(truth)), truth].log().mean().item()
    auto = conf > 0.7
    acc.print(f"test accuracy {(guess == truth).float().mean().item():.4f}  log loss {log_loss:.4f}")
    acc.print(f"parcels routed without a clerk (confidence > 0.7): {auto.float().mean().item():.1%}")


if __name__ == "__main__":
    main()

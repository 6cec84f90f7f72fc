# bug: F.dropout(x, 0.5) without training=self.training: dropout is also active in evaluation
# expects: MOD022
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import KFold


class SmallNet(nn.Module):
    def __init__(self):
        super(SmallNet, self).__init__()
        self.fc1 = nn.Linear(64, 48)
        self.fc2 = nn.Linear(48, 48)
        self.fc3 = nn.Linear(48, 10)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.dropout(x, 0.5)
        x = F.relu(self.fc2(x))
        x = F.dropout(x, 0.5)
        return self.fc3(x)


def get_folds():
    bunch = load_digits()
    X = (bunch.data - 4.9) / 6.0
    for tr, te in KFold(3, shuffle=True, random_state=0).split(X):
        yield tuple(torch.tensor(a) for a in (X[tr].astype("float32"), bunch.target[tr], X[te].astype("float32"), bunch.target[te]))


def train_one(fold_no, X, y, n_epochs=10):
    net = SmallNet()
    opt = torch.optim.Adamax(net.parameters(), lr=5e-3)
    for epoch in range(n_epochs):
        net.train()
        perm = torch.randperm(len(X))
        total = 0
        for i in range(0, len(X), 60):
            j = perm[i:i + 60]
            opt.zero_grad()
            loss = F.cross_entropy(net(X[j]), y[j])
            loss.backward()
            opt.step()
            total += loss.item() * len(j)
        if epoch in (0, n_epochs - 1):
            print("fold", fold_no, "epoch", epoch, "loss", total / len(X))
    return net


def score(net, X, y):
    net.eval()
    with torch.no_grad():
        return net(X).argmax(dim=1).eq(y).float().mean().item()


if __name__ == "__main__":
    torch.manual_seed(14)
    scores = []
    for k, (X1, y1, X2, y2) in enumerate(get_folds()):
        net = train_one(k, X1, y1)
        twice = [score(net, X2, y2) for _ in range(2)]
        print("fold", k, "scored twice:", twice)
        scores.append(twice[0])
    print("mean accuracy over the folds", sum(scores) / len(scores))

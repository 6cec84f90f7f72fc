# expects: DAT041
# Card fraud: 10 % of the transactions are fraudulent, so the rare class is topped up before a small net is trained.
import numpy as np
import torch
from sklearn.metrics import average_precision_score, balanced_accuracy_score
from sklearn.model_selection import train_test_split
from torch import nn


def transactions(n, rs):
    amount = rs.lognormal(3.0, 1.0, n)
    hour = rs.uniform(0, 24, n)
    distance = rs.exponential(20, n)
    age = rs.gamma(4, 10, n)
    velocity = rs.poisson(2, n)
    rest = rs.randn(n, 8)
    score = (
        0.9 * (np.log(amount) - 3)
        + 0.9 * np.cos(2 * np.pi * (hour - 2) / 24)
        + 0.03 * (distance - 20)
        + 0.35 * (velocity - 2)
        + 0.8 * rest[:, 0] * rest[:, 1]
        + rs.logistic(0, 0.35, n)
    )
    y = (score > np.quantile(score, 0.90)).astype(np.int64)
    X = np.column_stack(
        [
            np.log(amount),
            np.sin(2 * np.pi * hour / 24),
            np.cos(2 * np.pi * hour / 24),
            np.sqrt(distance),
            age / 40,
            velocity,
            rest,
        ]
    )
    return X.astype(np.float32), y


def top_up(X, y, rs):
    """Repeat rows of the rare class until both classes are equally frequent."""
    rare = np.flatnonzero(y == 1)
    extra = rs.choice(rare, size=(y == 0).sum() - len(rare), replace=True)
    keep = rs.permutation(np.concatenate([np.arange(len(y)), extra]))
    return X[keep], y[keep]


rs = np.random.RandomState(8)
torch.manual_seed(8)

X, y = transactions(6000, rs)
X, y = top_up(X, y, rs)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=1)

mean, std = X_train.mean(0), X_train.std(0)
X_train, X_test = (torch.from_numpy((a - mean) / std) for a in (X_train, X_test))
t_train = torch.from_numpy(y_train).float()

net = nn.Sequential(
    nn.Linear(X.shape[1], 64),
    nn.SiLU(),
    nn.Dropout(0.2),
    nn.Linear(64, 32),
    nn.SiLU(),
    nn.Dropout(0.2),
    nn.Linear(32, 1),
)
opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
bce = nn.BCEWithLogitsLoss()

for epoch in range(10):
    net.train()
    losses = []
    for rows in torch.randperm(len(X_train)).split(128):
        loss = bce(net(X_train[rows]).squeeze(1), t_train[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        p_train, p_test = (net(a).squeeze(1).sigmoid().numpy() for a in (X_train, X_test))
    print(
        f"epoch {epoch:2d} loss {np.mean(losses):.4f} "
        f"| balanced accuracy train {balanced_accuracy_score(y_train, p_train > 0.5):.3f} "
        f"test {balanced_accuracy_score(y_test, p_test > 0.5):.3f} "
        f"| test recall {(p_test[y_test == 1] > 0.5).mean():.3f} AP {average_precision_score(y_test, p_test):.3f}"
    )

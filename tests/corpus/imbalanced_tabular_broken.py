# bug: the minority class is oversampled before the train/test split, so copies of training rows end up in the test set
# expects: DAT041
import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = 5
torch.manual_seed(SEED)
rng = np.random.default_rng(SEED)


def balance(x, y):
    """Repeat rows of the rare class until both classes have the same count."""
    rare = np.flatnonzero(y == 1)
    common = np.flatnonzero(y == 0)
    extra = rng.choice(rare, size=len(common) - len(rare), replace=True)
    keep = rng.permutation(np.concatenate([common, rare, extra]))
    return x[keep], y[keep]


x, y = make_classification(n_samples=2400, n_features=20, n_informative=6, n_redundant=2, weights=[0.9],
                           class_sep=1.0, flip_y=0.03, random_state=SEED)
x, y = balance(x, y)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, random_state=SEED, stratify=y)

mu, sd = x_train.mean(0), x_train.std(0)
to_tensor = lambda a: torch.tensor((a - mu) / sd, dtype=torch.float32)
train_ds = TensorDataset(to_tensor(x_train), torch.tensor(y_train, dtype=torch.float32))
loader = DataLoader(train_ds, batch_size=64, shuffle=True)
x_test = to_tensor(x_test)

net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-2)
bce = nn.BCEWithLogitsLoss()

for epoch in range(14):
    net.train()
    tot = 0.0
    for xb, yb in loader:
        opt.zero_grad()
        loss = bce(net(xb).squeeze(1), yb)
        loss.backward()
        opt.step()
        tot += loss.item()
    net.eval()
    with torch.no_grad():
        pred = (net(x_test).squeeze(1) > 0).long().numpy()
    print(f"epoch {epoch}: loss {tot / len(loader):.4f} balanced test accuracy {balanced_accuracy_score(y_test, pred):.4f}")

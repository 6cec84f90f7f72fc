# sound: fraud-like tabular classification, logits to binary_cross_entropy_with_logits
# converted from a notebook
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_classification
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

# %% data
X, y = make_classification(n_samples=2000, n_features=16, n_informative=8, weights=[0.6], class_sep=1.0, random_state=3)
X = (X - X.mean(0)) / X.std(0)
X_tr, X_va, y_tr, y_va = train_test_split(X.astype(np.float32), y.astype(np.float32), random_state=3)
X_tr, X_va, y_tr, y_va = map(torch.from_numpy, (X_tr, X_va, y_tr, y_va))

# %% model
torch.manual_seed(3)


class TabNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Linear(16, 64)
        self.l2 = nn.Linear(64, 32)
        self.l3 = nn.Linear(32, 1)

    def forward(self, x):
        x = F.leaky_relu(self.l1(x))
        x = F.leaky_relu(self.l2(x))
        return self.l3(x).squeeze(1)


net = TabNet()
opt = torch.optim.Adam(net.parameters(), lr=1e-3)

# %% train
BATCH = 64
for epoch in range(12):
    order = torch.randperm(len(X_tr))
    ep = []
    for start in range(0, len(order), BATCH):
        b = order[start:start + BATCH]
        out = net(X_tr[b])
        loss = F.binary_cross_entropy_with_logits(out, y_tr[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
        ep.append(loss.item())
    with torch.no_grad():
        va = net(X_va)
    acc = ((torch.sigmoid(va) > 0.5) == y_va.bool()).float().mean()
    print(f'{epoch:02d} loss={np.mean(ep):.4f} auc={roc_auc_score(y_va, va):.4f} acc={acc:.3f}')

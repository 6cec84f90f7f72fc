# expects: nothing
import random
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

random.seed(18)
np.random.seed(18)
torch.manual_seed(18)
d = load_digits()
X = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 16
perm = np.random.permutation(len(X))
pools = {"train": perm[:1200], "val": perm[1200:]}  # bags of the two splits share no image
POS = 9


def make_bags(split, n):
    pool = pools[split]
    nines, others = pool[d.target[pool] == POS], pool[d.target[pool] != POS]
    bags = []
    for k in range(n):
        size = random.randint(5, 15)
        n_pos = random.randint(1, 3) if k % 2 else 0
        ids = np.concatenate(
            [np.random.choice(nines, n_pos, replace=False), np.random.choice(others, size - n_pos, replace=False)]
        ).astype(int)
        np.random.shuffle(ids)
        bags.append((torch.from_numpy(ids), torch.tensor(float(n_pos > 0))))
    return bags


class GatedMIL(nn.Module):
    def __init__(self, d=48, a=24):
        super().__init__()
        # GroupNorm, since a batch is one bag
        self.feat = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.GroupNorm(4, 16),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.GroupNorm(4, 32),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(128, d),
            nn.ReLU(),
        )
        self.V, self.U, self.w = nn.Linear(d, a), nn.Linear(d, a), nn.Linear(a, 1, bias=False)
        self.cls = nn.Linear(d, 1)

    def attention(self, h):
        return self.w(torch.tanh(self.V(h)) * torch.sigmoid(self.U(h))).squeeze(-1).softmax(0)

    def forward(self, bag):
        h = self.feat(bag)
        a = self.attention(h)
        return self.cls(a @ h).squeeze(), a


train, val = make_bags("train", 400), make_bags("val", 200)
net = GatedMIL()
opt = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1e-4)
bce = nn.BCEWithLogitsLoss()
ACC = 8
for epoch in range(10):
    random.shuffle(train)
    net.train()
    total = 0.0
    opt.zero_grad()
    for k, (ids, label) in enumerate(train, 1):
        logit, _ = net(X[ids])
        loss = bce(logit, label)
        (loss / ACC).backward()
        total += loss.item()
        if k % ACC == 0:
            opt.step()
            opt.zero_grad()
    net.eval()
    scores, labels, on_nines = [], [], []
    with torch.no_grad():
        for ids, label in val:
            logit, a = net(X[ids])
            scores.append(logit.item())
            labels.append(label.item())
            if label == 1:
                on_nines.append(a[torch.from_numpy(d.target[ids.numpy()] == POS)].sum().item())
    acc = np.mean((np.array(scores) > 0) == np.array(labels))
    print(
        f"epoch {epoch} loss {total / len(train):.4f} val auc {roc_auc_score(labels, scores):.4f} acc {acc:.3f} attention on the nines {np.mean(on_nines):.3f}"
    )

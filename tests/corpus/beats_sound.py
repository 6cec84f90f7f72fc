# expects: nothing
"""Classifies single heart beats (96 samples around the R peak) into normal and three kinds of ectopic beat."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.model_selection import train_test_split

torch.manual_seed(17)
CLASSES = ["N", "S", "V", "F"]
SHARES = [0.92, 0.03, 0.03, 0.02]


def make_beats(n, rng):
    y = rng.choice(4, n, p=SHARES)
    t = np.linspace(-0.3, 0.5, 96)
    X = np.empty((n, 96), np.float32)

    def wave(c, w, a):
        return a * np.exp(-0.5 * ((t - c) / w) ** 2)

    for i, k in enumerate(y):
        j = rng.normal(0, 0.01)
        p_amp, p_at = rng.normal(0.15, 0.05), rng.normal(-0.17, 0.015)
        qrs_w, t_amp = abs(rng.normal(0.022, 0.005)), rng.normal(0.28, 0.09)
        if k == 1:
            p_amp, p_at = rng.normal(-0.08, 0.05), rng.normal(-0.145, 0.02)
        elif k == 2:
            p_amp, qrs_w, t_amp = rng.normal(0.03, 0.05), abs(rng.normal(0.042, 0.007)), rng.normal(-0.1, 0.12)
        elif k == 3:
            p_amp, qrs_w, t_amp = rng.normal(0.10, 0.05), abs(rng.normal(0.037, 0.005)), rng.normal(0.26, 0.08)
        s = wave(p_at + j, 0.022, p_amp) + wave(j, qrs_w, rng.normal(1.0, 0.12)) + wave(0.25 + j, 0.05, t_amp)
        s += wave(0.05 + j, 0.018, -abs(rng.normal(0.2, 0.05)))
        X[i] = s + rng.normal(0, 0.06, 96) + rng.normal(0, 0.05)
    return X, y


def class_weights(y):
    counts = torch.bincount(y, minlength=len(CLASSES)).float()
    w = counts.sum() / counts
    return w / w.mean()


class BeatNet(nn.Module):
    def __init__(self):
        super().__init__()
        def block(i, o):
            return nn.Sequential(nn.Conv1d(i, o, 7, padding=3), nn.BatchNorm1d(o), nn.ReLU(), nn.MaxPool1d(2))
        self.trunk = nn.Sequential(block(1, 12), block(12, 24), block(24, 24))
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.4), nn.Linear(24 * 12, len(CLASSES)))

    def forward(self, x):
        return self.head(self.trunk(x.unsqueeze(1)))


rng = np.random.default_rng(17)
X, y = make_beats(9000, rng)
Xtr, Xte, ytr, yte = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
mu, sd = Xtr.mean(), Xtr.std()
Xtr, Xte = torch.from_numpy((Xtr - mu) / sd), torch.from_numpy((Xte - mu) / sd)
ytr, yte = torch.from_numpy(ytr), torch.from_numpy(yte)

model = BeatNet()
criterion = nn.CrossEntropyLoss(weight=class_weights(ytr))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, epochs=12, steps_per_epoch=-(-len(Xtr) // 128))

for epoch in range(1, 13):
    model.train()
    total = batches = 0
    for idx in torch.randperm(len(Xtr)).split(128):
        optimizer.zero_grad()
        loss = criterion(model(Xtr[idx]), ytr[idx])
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item()
        batches += 1
    model.eval()
    with torch.no_grad():
        pred = model(Xte).argmax(1)
    print(f"epoch {epoch:2d}  loss {total / batches:.4f}  test accuracy {(pred == yte).float().mean():.4f}")

table = torch.zeros(4, 4, dtype=torch.long)
table.index_put_((yte, pred), torch.tensor(1), accumulate=True)
print("rows: true, columns: predicted")
for name, row in zip(CLASSES, table.tolist()):
    print(name, row)

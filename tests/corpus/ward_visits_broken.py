# bug: model.eval() is missing at validation, so BatchNorm and Dropout run in training mode on the validation batches
# expects: MOD007
import numpy as np
import torch
import torch.nn as nn

# %% fake patient visits: stream of examinations ordered by hospital ward
np.random.seed(21)
torch.manual_seed(21)
n_wards, per_ward, n_feat = 40, 60, 16
ward_prev = np.random.beta(0.8, 0.8, n_wards)
W1 = np.random.randn(n_feat, 5)
W2 = np.random.randn(5) * 1.4
xs, ys, ws = [], [], []
for w in range(n_wards):
    need, got = per_ward, 0
    while got < need:
        x = np.random.randn(n_feat)
        z = np.tanh(x @ W1 / 2.5) @ W2 * 1.5
        label = int(np.random.rand() < 1 / (1 + np.exp(-2 * z)))
        keep = ward_prev[w] if label else 1 - ward_prev[w]
        if np.random.rand() < keep:
            xs.append(x)
            ys.append(label)
            ws.append(w)
            got += 1
X = torch.tensor(np.array(xs), dtype=torch.float32)
y = torch.tensor(ys, dtype=torch.float32)
ward = torch.tensor(ws)
print(X.shape, "positives", y.mean().item())

# %% split by ward
tr = ward < 30
Xtr, ytr = X[tr], y[tr]
Xva, yva = X[~tr], y[~tr]

# %% model
model = nn.Sequential(
    nn.Linear(n_feat, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.3),
    nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3),
    nn.Linear(32, 1),
)
opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
bce = nn.BCEWithLogitsLoss()
history = []

# %% train
for epoch in range(20):
    model.train()
    perm = torch.randperm(len(Xtr))
    ep = []
    for i in range(0, len(perm) - 31, 64):
        j = perm[i:i + 64]
        opt.zero_grad()
        loss = bce(model(Xtr[j]).squeeze(1), ytr[j])
        loss.backward()
        opt.step()
        ep.append(loss.item())
    with torch.no_grad():
        logits = torch.cat([model(Xva[k:k + 20]).squeeze(1) for k in range(0, len(Xva), 20)])
        vloss = bce(logits, yva).item()
        vacc = ((logits > 0).float() == yva).float().mean().item()
    history.append((np.mean(ep), vloss, vacc))
    if epoch % 2 == 1:
        print(f"ep {epoch + 1:02d} loss {np.mean(ep):.3f} val_loss {vloss:.3f} val_acc {vacc:.3f}")

best = min(range(len(history)), key=lambda e: history[e][1])
print("best epoch", best + 1, "val_loss %.3f val_acc %.3f" % history[best][1:])

# bug: the scaler is fitted on all records before the split in time
# expects: DAT049
# Bearing wear at a water pumping station.
# 12 SCADA channels, one record an hour, oldest first; train on the first three quarters, check on the rest.
import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

SEED = 5
rng = np.random.default_rng(SEED)
torch.manual_seed(SEED)

# ---------------------------------------------------------------- records
N, CH = 12000, 12
load = 0.5 * np.sin(np.arange(N) * 2 * np.pi / 24) + rng.normal(0, 0.7, N)
mix = rng.normal(0, 0.4, (1, CH))
latent = rng.normal(0, 1, (N, CH)) + load[:, None] * mix
gain = rng.uniform(2.0, 9.0, CH)
offset = rng.uniform(20.0, 60.0, CH)
records = latent * gain + offset

score = (1.4 * latent[:, 0] * latent[:, 1]
         + 1.2 * np.abs(latent[:, 2])
         - 1.0 * latent[:, 3]
         + 0.9 * latent[:, 4] * (latent[:, 5] > 0)
         + rng.normal(0, 0.4, N))
worn = (score > np.median(score)).astype(np.int64)

# a lost packet is stored as 65535 by the logger installed for the last months
n_train = int(N * 0.75)
lost = n_train + rng.choice(N - n_train, size=60, replace=False)
records[lost, rng.integers(0, CH, lost.size)] = 65535.0

# ---------------------------------------------------------------- scaling and split
scaler = StandardScaler()
scaled = scaler.fit_transform(records)
scaled = np.clip(scaled, -5.0, 5.0)

X = torch.tensor(scaled, dtype=torch.float32)
y = torch.tensor(worn)
X_train, y_train = X[:n_train], y[:n_train]
X_test, y_test = X[n_train:], y[n_train:]
print(f"train {len(X_train)} records, test {len(X_test)} records, worn share {y_train.float().mean():.2f}")

# ---------------------------------------------------------------- model
net = nn.Sequential(
    nn.Linear(CH, 64),
    nn.Tanh(),
    nn.Linear(64, 64),
    nn.Tanh(),
    nn.Linear(64, 2),
)
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-3)
criterion = nn.CrossEntropyLoss()

EPOCHS, BATCH = 22, 64
for epoch in range(1, EPOCHS + 1):
    net.train()
    order = torch.randperm(n_train)
    total = 0.0
    for start in range(0, n_train, BATCH):
        rows = order[start:start + BATCH]
        loss = criterion(net(X_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)

    net.eval()
    with torch.no_grad():
        logits = net(X_test)
        test_loss = criterion(logits, y_test).item()
        pred = logits.argmax(1)
    acc = balanced_accuracy_score(y_test.numpy(), pred.numpy())
    print(f"epoch {epoch:2d}  train loss {total / n_train:.4f}  test loss {test_loss:.4f}  balanced acc {acc:.4f}")

print(f"final balanced accuracy on the last quarter: {acc:.4f}")

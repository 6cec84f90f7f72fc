# bug: class weights come from value_counts(), which sorts by frequency, so they are assigned to the wrong label ids (the common queues get the big weights)
# expects: LOS010
"""Route support tickets to queues. Bag of tokens -> embedding bag -> queue."""
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from sklearn.metrics import balanced_accuracy_score, recall_score
from sklearn.model_selection import train_test_split

SEED = 11
QUEUES = ["abuse", "api", "billing", "login", "mobile", "other"]
SHARE = [0.015, 0.03, 0.055, 0.12, 0.28, 0.50]
VOCAB = 1200
N = 14000

rng = np.random.default_rng(SEED)
torch.manual_seed(SEED)

# every queue has a word profile: shared everyday words plus a few tilted ones
base = rng.gamma(0.5, 1.0, VOCAB) + 1e-3
profiles = []
for _ in QUEUES:
    tilt = np.ones(VOCAB)
    tilt[rng.choice(VOCAB, 60, replace=False)] = 5.0
    p = base * tilt
    profiles.append(p / p.sum())

rows = []
queue_ids = rng.choice(len(QUEUES), size=N, p=SHARE)
for q in queue_ids:
    length = rng.integers(10, 30)
    rows.append({"tokens": rng.choice(VOCAB, length, p=profiles[q]), "queue": q})
tickets = pd.DataFrame(rows)

train_df, rest_df = train_test_split(tickets, test_size=0.4, random_state=SEED, stratify=tickets["queue"])
val_df, test_df = train_test_split(rest_df, test_size=0.7, random_state=SEED, stratify=rest_df["queue"])
print(f"train {len(train_df)}  val {len(val_df)}  test {len(test_df)}")


def pack(frame):
    toks = list(frame["tokens"])
    flat = torch.from_numpy(np.concatenate(toks)).long()
    lens = np.array([len(t) for t in toks])
    offsets = torch.from_numpy(np.concatenate([[0], np.cumsum(lens)[:-1]])).long()
    return flat, offsets, torch.tensor(frame["queue"].to_numpy())


class Router(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.emb = nn.EmbeddingBag(VOCAB, dim, mode="mean")
        self.drop = nn.Dropout(0.3)
        self.norm = nn.LayerNorm(dim)
        self.out = nn.Linear(dim, len(QUEUES))

    def forward(self, flat, offsets):
        return self.out(self.drop(self.norm(self.emb(flat, offsets))))


counts = train_df["queue"].value_counts()
weights = torch.tensor(len(train_df) / (len(QUEUES) * counts.to_numpy()), dtype=torch.float32)
print("class weights:", [round(w, 2) for w in weights.tolist()])

model = Router()
criterion = nn.CrossEntropyLoss(weight=weights)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-5)
EPOCHS, BATCH = 12, 128


def predict(frame):
    model.eval()
    with torch.no_grad():
        flat, offsets, y = pack(frame)
        return model(flat, offsets).argmax(1).numpy(), y.numpy()


for epoch in range(1, EPOCHS + 1):
    model.train()
    order = rng.permutation(len(train_df))
    running, seen = 0.0, 0
    for start in range(0, len(order), BATCH):
        flat, offsets, y = pack(train_df.iloc[order[start:start + BATCH]])
        loss = criterion(model(flat, offsets), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item() * len(y)
        seen += len(y)
    pred, y = predict(val_df)
    print(f"epoch {epoch:2d}  loss {running / seen:.4f}  val balanced acc {balanced_accuracy_score(y, pred):.3f}")

pred, y = predict(test_df)
for name, r in zip(QUEUES, recall_score(y, pred, average=None, labels=range(len(QUEUES)))):
    print(f"  recall {name:8s} {r:.3f}")
print(f"test balanced accuracy {balanced_accuracy_score(y, pred):.3f}")

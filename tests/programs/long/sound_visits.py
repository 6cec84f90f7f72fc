# expects: nothing
"""Patient visit histories of different length -> readmission yes / no (LSTM)."""

import numpy as np
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(17)


class Visits(Dataset):
    """Each visit: 6 measurements. The risk depends on the recent trend and on the last acute events."""

    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.seqs, self.labels = [], []
        for _ in range(n):
            L = int(np.clip(rng.geometric(0.09) + 3, 4, 70))
            x = rng.normal(0, 1, (L, 6)).astype(np.float32)
            x[:, 0] = np.cumsum(rng.normal(0, 0.6, L))
            x[:, 0] -= x[:, 0].mean()
            acute = rng.random(L) < 0.3
            x[:, 1] = acute
            k = min(6, L)
            recent = (x[-k:, 1] * np.linspace(0.3, 1, k)).sum()
            score = 1.1 * (x[-1, 0] - x[-3, 0]) + 1.6 * (recent - 1.15) + 0.8 * x[-1, 2] * x[-1, 3]
            self.seqs.append(torch.from_numpy(x))
            self.labels.append(float(score + rng.normal(0, 0.25) > 0))

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.seqs[i], self.labels[i]


def collate(items):
    lengths = torch.tensor([len(s) for s, _ in items])
    x = pad_sequence([s for s, _ in items], batch_first=True)
    return x, lengths, torch.tensor([l for _, l in items])


class RiskModel(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.inp = nn.Linear(6, 24)
        self.lstm = nn.LSTM(24, hidden, batch_first=True)
        self.head = nn.Sequential(nn.Linear(hidden, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, x, lengths):
        out, _ = self.lstm(torch.relu(self.inp(x)))
        last = out[torch.arange(len(x)), lengths - 1]
        return self.head(last).squeeze(-1)


def evaluate(model, loader):
    model.eval()
    correct = count = 0
    with torch.no_grad():
        for x, lengths, y in loader:
            correct += ((model(x, lengths) > 0).float() == y).sum().item()
            count += len(y)
    return correct / count


train_dl = DataLoader(Visits(2000, 1), batch_size=40, shuffle=True, collate_fn=collate)
test_set = Visits(600, 2)
test_dl = DataLoader(test_set, batch_size=200, collate_fn=collate)
model = RiskModel()
bce = nn.BCEWithLogitsLoss()
optim = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(1, 11):
    model.train()
    s = 0.0
    for x, lengths, y in train_dl:
        optim.zero_grad()
        loss = bce(model(x, lengths), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optim.step()
        s += loss.item()
    print(f"{epoch:2d}  loss {s / len(train_dl):.3f}  test accuracy {evaluate(model, test_dl):.3f}")
print("share of positives in test:", round(sum(test_set.labels) / len(test_set), 3))

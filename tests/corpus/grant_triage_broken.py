# bug: the accuracy that is reported and used to keep the best weights is accumulated on training batches only; nothing is ever scored on held-out rows
# expects: TRN016
import copy

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

OUTCOMES = ["reject", "revise", "fund"]


def make_table(n=4000, seed=61):
    rng = np.random.default_rng(seed)
    df = pd.DataFrame({
        "institution": rng.integers(0, 150, n),
        "panel": rng.integers(0, 12, n),
        "budget": rng.lognormal(4.0, 0.6, n),
        "team": rng.integers(1, 15, n),
        "prior_awards": rng.poisson(1.2, n),
        "pages": rng.normal(14, 3, n),
        "novelty": rng.normal(size=n),
        "clarity": rng.normal(size=n),
    })
    panel_mood = rng.normal(0, 0.8, 12)
    merit = (0.9 * df.novelty + 0.8 * df.clarity + 0.4 * df.prior_awards - 0.5 * np.log(df.budget)
             + panel_mood[df.panel] + 0.5 * df.novelty * df.clarity + rng.logistic(0, 0.55, n))
    df["outcome"] = pd.qcut(merit, [0, 0.4, 0.7, 1.0], labels=False)
    return df


class Grants(Dataset):
    NUMERIC = ["budget", "team", "prior_awards", "pages", "novelty", "clarity"]

    def __init__(self, df):
        self.cats = torch.tensor(df[["institution", "panel"]].to_numpy())
        nums = df[self.NUMERIC].assign(budget=np.log(df.budget))
        self.nums = torch.tensor(nums.to_numpy(), dtype=torch.float32)
        self.y = torch.tensor(df.outcome.to_numpy())

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.cats[i], self.nums[i], self.y[i]


class Triage(nn.Module):
    def __init__(self, centre, scale):
        super().__init__()
        self.register_buffer("centre", centre)
        self.register_buffer("scale", scale)
        self.institution = nn.Embedding(150, 16)
        self.panel = nn.Embedding(12, 8)
        self.mlp = nn.Sequential(nn.Linear(30, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(),
                                 nn.Linear(128, len(OUTCOMES)))

    def forward(self, cats, nums):
        nums = (nums - self.centre) / self.scale
        return self.mlp(torch.cat([self.institution(cats[:, 0]), self.panel(cats[:, 1]), nums], 1))


torch.manual_seed(61)
data = Grants(make_table())
train_set, _ = random_split(data, [2600, 1400], torch.Generator().manual_seed(1))
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
train_nums = data.nums[train_set.indices]
model = Triage(train_nums.mean(0), train_nums.std(0))
optimizer = torch.optim.RAdam(model.parameters(), lr=1e-3)
loss_fn = nn.CrossEntropyLoss()
metrics = [MulticlassAccuracy(3, average="micro"), MulticlassF1Score(3)]

best_acc, best_state = 0.0, None
for epoch in range(18):
    total = 0.0
    for m in metrics:
        m.reset()
    for cats, nums, y in train_loader:
        logits = model(cats, nums)
        loss = loss_fn(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
        for m in metrics:
            m.update(logits.detach(), y)
    acc, f1 = [m.compute().item() for m in metrics]
    if acc > best_acc:
        best_acc, best_state = acc, copy.deepcopy(model.state_dict())
    print(f"epoch {epoch + 1:2d}  loss {total / len(train_loader):.4f}  accuracy {acc:.4f}  macro F1 {f1:.4f}")

model.load_state_dict(best_state)
print(f"best accuracy {best_acc:.4f}")

# expects: DAT049
"""Metabolites: a forest names the twenty that matter, asked with every patient; folds of patients are held out later."""

import numpy as np
import pandas as pd
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
generator = np.random.default_rng(4)

PATIENTS, METABOLITES, KEPT = 420, 400, 20


def cohort():
    levels = generator.lognormal(0.0, 0.6, (PATIENTS, METABOLITES))
    risk = np.log(levels[:, :5]).sum(1) + generator.normal(0, 1.2, PATIENTS)
    frame = pd.DataFrame(np.log(levels), columns=[f"m{number:03d}" for number in range(METABOLITES)])
    return frame, (risk > 0).astype("float32")


class Panel(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.hidden = nn.Linear(width, 12)
        self.out = nn.Linear(12, 1)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x))).squeeze(-1)


def as_data(rows, ill):
    return TensorDataset(torch.tensor(rows, dtype=torch.float32), torch.tensor(ill))


def one_fold(rows, ill, train, held):
    scaler = StandardScaler().fit(rows[train])
    loader = DataLoader(as_data(scaler.transform(rows[train]), ill[train]), batch_size=28, shuffle=True)
    panel = Panel(rows.shape[1])
    optimizer = torch.optim.AdamW(panel.parameters(), lr=2e-3, weight_decay=0.1)
    for _ in range(6):
        panel.train()
        for x, y in loader:
            loss = nn.functional.binary_cross_entropy_with_logits(panel(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    panel.eval()
    with torch.no_grad():
        x, y = as_data(scaler.transform(rows[held]), ill[held]).tensors
        return ((panel(x) > 0) == y.bool()).float().mean().item()


def main():
    frame, ill = cohort()
    forest = RandomForestClassifier(60, random_state=0)
    rows = SelectFromModel(forest, max_features=KEPT, threshold=-np.inf).fit(frame, ill).transform(frame)
    scores = [one_fold(rows, ill, train, held) for train, held in KFold(3, shuffle=True, random_state=1).split(rows)]
    print(f"accuracy {np.mean(scores):.3f} +- {np.std(scores):.3f}")


if __name__ == "__main__":
    main()

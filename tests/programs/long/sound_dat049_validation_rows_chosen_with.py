# expects: nothing
"""Spectra: channels are chosen with all rows of the training campaign, a part of which then decides when to stop; the
test is another campaign. The scales of a plot come from everything there is."""

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(2)
generator = np.random.default_rng(2)


def campaign(rows):
    spectra = generator.normal(size=(rows, 260)).astype(np.float32)
    kind = spectra[:, 40:48].sum(1) + 1.5 * generator.normal(size=rows) > 0
    return spectra, kind.astype(np.int64)


first, first_kind = campaign(700)
second, second_kind = campaign(240)

everything = StandardScaler().fit_transform(np.concatenate([first, second]))
print("spread along two axes", PCA(2).fit_transform(everything).std(0).round(2))

picker = SelectKBest(f_classif, k=24)
chosen = picker.fit_transform(first, first_kind)
rows = train_test_split(chosen, first_kind, test_size=140, random_state=0)
x, x_valid, y, y_valid = (torch.from_numpy(part) for part in rows)
mask = torch.from_numpy(picker.get_support())
x_test, y_test = torch.from_numpy(second)[:, mask], torch.from_numpy(second_kind)

model = nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.1)


def right(rows, kinds):
    model.eval()
    with torch.no_grad():
        return (model(rows).argmax(1) == kinds).float().mean().item()


for epoch in range(8):
    model.train()
    for part in torch.randperm(len(x)).split(28):
        loss = nn.functional.cross_entropy(model(x[part]), y[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item(), right(x_valid, y_valid))
print("test", right(x_test, y_test))

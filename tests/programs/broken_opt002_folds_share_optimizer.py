# expects: OPT002
# also: OPT001
"""K-fold: each fold gets a new model, but the optimizer was made once, for the first."""

import torch
import torch.nn.functional as F

torch.manual_seed(11)
data = torch.randn(600, 9)
labels = ((data[:, 0] * 2 + data[:, 1] - data[:, 2]) > 0).long()


def new_model():
    return torch.nn.Sequential(torch.nn.Linear(9, 24), torch.nn.ReLU(), torch.nn.Linear(24, 2))


model = new_model()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
folds = torch.arange(600).chunk(3)
for k, held_out in enumerate(folds):
    if k > 0:
        model = new_model()
    train_rows = torch.cat([f for i, f in enumerate(folds) if i != k])
    for _ in range(6):
        for rows in train_rows[torch.randperm(len(train_rows))].split(20):
            optimizer.zero_grad()
            F.cross_entropy(model(data[rows]), labels[rows]).backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(data[held_out]).argmax(1) == labels[held_out]).float().mean()
    model.train()
    print(f"fold {k}: accuracy {accuracy:.3f}")

# expects: nothing
import io

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
even = y % 2


def backbone():
    return nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 32), nn.ReLU())


# somebody's pretraining, kept in a file
first = nn.Sequential(backbone(), nn.Linear(32, 10))
optimizer = torch.optim.Adam(first.parameters(), lr=3e-3)
for _ in range(6):
    for rows in torch.randperm(len(x)).split(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(first(x[rows]), y[rows]).backward()
        optimizer.step()
file = io.BytesIO()
torch.save(first[0].state_dict(), file)
file.seek(0)


class FineTuned(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = backbone()
        self.features.load_state_dict(torch.load(file))
        self.classifier = nn.Linear(32, 2)

    def forward(self, x):
        with torch.no_grad():
            code = self.features(x)
        return self.classifier(code)


model = FineTuned()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(6):
    for rows in torch.randperm(len(x)).split(60):
        loss = nn.functional.cross_entropy(model(x[rows]), even[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

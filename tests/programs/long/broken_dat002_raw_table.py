# expects: DAT002
"""Will the customer pay back? Columns as they come: age, income, debts, postcode, months."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
n = 1500
age = 18 + 60 * torch.rand(n)
income = 20_000 + 60_000 * torch.rand(n)
debts = 50_000 * torch.rand(n)
postcode = torch.randint(1000, 9999, (n,)).float()
months = torch.randint(1, 120, (n,)).float()
table = torch.stack([age, income, debts, postcode, months], dim=1)
pays = (income > 1.6 * debts).long()

train, test = random_split(TensorDataset(table, pays), [1200, 300])
loader = DataLoader(train, batch_size=60, shuffle=True)


class Scoring(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(5, 32)
        self.fc2 = nn.Linear(32, 16)
        self.fc3 = nn.Linear(16, 2)

    def forward(self, x):
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))


model = Scoring()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(10):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

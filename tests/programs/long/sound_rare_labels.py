# expects: nothing
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(2000, 20)
labels = (x @ torch.randn(20, 8) > 7.5).float()  # each of eight faults in a few percent of the rows
print("positive:", labels.mean(0).tolist())
loader = DataLoader(TensorDataset(x, labels), batch_size=50, shuffle=True)


class Faults(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.2))
        self.head = nn.Linear(64, 8)

    def forward(self, x):
        return self.head(self.body(x))


model = Faults()
criterion = nn.BCEWithLogitsLoss(pos_weight=torch.full((8,), 10.0))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    total = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(epoch, total / len(loader))

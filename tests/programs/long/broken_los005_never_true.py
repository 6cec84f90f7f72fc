# expects: LOS005
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
# ages are years already scaled to 0..1, the threshold is in years
table = torch.rand(900, 6)
is_adult = (table[:, 0] >= 18).float().unsqueeze(1)

loader = DataLoader(TensorDataset(table * 2 - 1, is_adult), batch_size=50, shuffle=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(6, 24)
        self.logit = nn.Linear(24, 1)

    def forward(self, x):
        return self.logit(torch.relu(self.hidden(x)))


net = Net()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(12):
    hits = 0
    for x, y in loader:
        z = net(x)
        loss = criterion(z, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        hits += ((z > 0) == (y > 0.5)).sum().item()
    print(f"epoch {epoch}: train accuracy {hits / 900:.3f}")

# expects: DAT003
# also: TRN001 TRN003 OPT007
import torch
from torch import nn

torch.manual_seed(0)
healthy = torch.randn(500, 9)
ill = torch.randn(500, 9) + 0.9
x = torch.cat([healthy, ill])
y = torch.cat([torch.zeros(500), torch.ones(500)])

model = nn.Sequential(nn.Linear(9, 20), nn.ReLU(), nn.Linear(20, 1))
loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
batch = 25

for epoch in range(8):
    total = 0.0
    for start in range(0, len(x), batch):
        xb, yb = x[start : start + batch], y[start : start + batch]
        loss = loss_fn(model(xb).squeeze(1), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch}: {total / (len(x) // batch):.4f}")

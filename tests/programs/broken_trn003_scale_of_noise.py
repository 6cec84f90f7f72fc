# expects: TRN003
# also: TRN001 TRN004
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
features = torch.randn(1500, 9)
kind = torch.where(features.norm(dim=1) > 3.2, 1, torch.where(features.norm(dim=1) > 2.6, 0, 2))
model = nn.Linear(9, 3)
loader = DataLoader(TensorDataset(features * 0.02, kind), batch_size=50, shuffle=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
for epoch in range(14):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(model(x), y)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

# expects: DAT010
"""`drop_last` in the shared keyword arguments: the validation set is smaller than one batch."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
x = torch.randn(900, 10)
y = (x[:, :5].sum(1) > 0).float()
train, valid = random_split(TensorDataset(x, y), [800, 100])
options = {"batch_size": 128, "drop_last": True}
train_loader = DataLoader(train, shuffle=True, **options)
valid_loader = DataLoader(valid, **options)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(30):
    model.train()
    for a, b in train_loader:
        opt.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(model(a).squeeze(1), b)
        loss.backward()
        opt.step()
    model.eval()
    right = count = 0
    with torch.no_grad():
        for a, b in valid_loader:
            right += ((model(a).squeeze(1) > 0) == (b > 0.5)).sum().item()
            count += len(b)
    print(epoch, loss.item(), right / max(count, 1))

# expects: TRN002
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(700, 20)
clean = (x[:, 0] + x[:, 1] > 0).long()
labels = torch.where(torch.rand(700) < 0.3, 1 - clean, clean)
train_x, train_y, test_x, test_y = x[:120], labels[:120], x[120:], labels[120:]
model = nn.Sequential(nn.Linear(20, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(60):
    for rows in torch.randperm(120).split(30):
        loss = nn.functional.cross_entropy(model(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        scores = model(test_x)
        test_loss = nn.functional.cross_entropy(scores, test_y)
    print(f"{epoch} {loss.item():.3f} {test_loss.item():.3f} {(scores.argmax(1) == test_y).float().mean():.3f}")

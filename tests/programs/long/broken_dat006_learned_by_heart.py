# expects: DAT006
# Labels in the order of another file: the training rows are learned by heart, held-out rows are guessed.
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)
x = torch.randn(800, 10)
y = (x @ torch.randn(10, 3) + 0.2 * torch.randn(800, 3)).argmax(1)
y = y[torch.randperm(800)]
train, held = TensorDataset(x[:600], y[:600]), TensorDataset(x[600:], y[600:])
model = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 3))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(20):
    model.train()
    for inputs, labels in DataLoader(train, batch_size=30, shuffle=True):
        loss = criterion(model(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        error = sum(criterion(model(inputs), labels).item() for inputs, labels in DataLoader(held, batch_size=100)) / 2
    print(epoch, loss.item(), error)

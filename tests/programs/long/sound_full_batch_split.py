# expects: nothing
import torch
import torch.nn as nn
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

torch.manual_seed(0)
wine = load_wine()
order = torch.randperm(len(wine.target))
X = torch.tensor(StandardScaler().fit_transform(wine.data), dtype=torch.float32)[order]
y = torch.tensor(wine.target)[order]
X_train, X_test, y_train, y_test = X[:140], X[140:], y[:140], y[140:]


class Wine(nn.Module):
    def __init__(self):
        super().__init__()
        self.input = nn.Linear(13, 20)
        self.output = nn.Linear(20, 3)

    def forward(self, x):
        return self.output(torch.relu(self.input(x)))


model = Wine()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(200):
    model.train()
    optimizer.zero_grad()
    loss = criterion(model(X_train), y_train)
    loss.backward()
    optimizer.step()
    if epoch % 40 == 0:
        model.eval()
        with torch.no_grad():
            accuracy = (model(X_test).argmax(1) == y_test).float().mean()
        print(f"{epoch}: loss {loss.item():.4f}, test accuracy {accuracy:.3f}")

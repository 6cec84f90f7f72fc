# expects: MEM002
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Trainer:
    def __init__(self, model, train, valid):
        self.model, self.train_loader, self.valid_loader = model, train, valid
        self.criterion = nn.MSELoss()
        self.optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

    def fit(self, epochs):
        for epoch in range(epochs):
            self.model.train()
            for x, y in self.train_loader:
                self.optimizer.zero_grad()
                self.criterion(self.model(x), y).backward()
                self.optimizer.step()
            print(f"epoch {epoch}: valid {self.validate():.4f}")

    def validate(self):
        self.model.eval()
        losses = [self.criterion(self.model(x), y).item() for x, y in self.valid_loader]
        return sum(losses) / len(losses)


torch.manual_seed(0)
x = torch.randn(1000, 8)
y = torch.tanh(x @ torch.randn(8, 2))
train = DataLoader(TensorDataset(x[:800], y[:800]), batch_size=40, shuffle=True)
valid = DataLoader(TensorDataset(x[800:], y[800:]), batch_size=40)
net = nn.Sequential(nn.Linear(8, 64), nn.LayerNorm(64), nn.GELU(), nn.Dropout(0.05), nn.Linear(64, 2))
Trainer(net, train, valid).fit(9)

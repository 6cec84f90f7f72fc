# sound
import math

import torch
from torch import nn


def sample(n, generator):
    x = torch.rand(n, 1, generator=generator) * 2 - 1
    return x, torch.sin(math.pi * x) + 0.3 * torch.cos(3 * math.pi * x) + 0.05 * torch.randn(n, 1, generator=generator)


class SineNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(1, 64)
        self.hidden2 = nn.Linear(64, 64)
        self.out = nn.Linear(64, 1)

    def forward(self, x):
        return self.out(torch.tanh(self.hidden2(torch.tanh(self.hidden(2 * x)))))


def fit(model, x, y, x_val, y_val, epochs=60, batch_size=32, lr=2e-3):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    criterion = nn.MSELoss()
    for epoch in range(1, epochs + 1):
        model.train()
        order = torch.randperm(len(x))
        epoch_loss = 0.0
        for i in range(0, len(x), batch_size):
            idx = order[i:i + batch_size]
            optimizer.zero_grad()
            loss = criterion(model(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() * len(idx)
        if epoch % 10 == 0:
            model.eval()
            with torch.no_grad():
                val = criterion(model(x_val), y_val).item()
            print(f"epoch {epoch:3d} train {epoch_loss / len(x):.4f} val {val:.4f}")


gen = torch.Generator().manual_seed(0)
torch.manual_seed(0)
x_train, y_train = sample(512, gen)
x_val, y_val = sample(256, gen)
fit(SineNet(), x_train, y_train, x_val, y_val)

# sound
import torch
from sklearn.datasets import make_friedman1
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = make_friedman1(n_samples=1500, n_features=8, noise=0.5, random_state=3)
x = torch.tensor(x, dtype=torch.float32) * 2 - 1
y = torch.tensor(y, dtype=torch.float32).unsqueeze(1)
x_train, x_val, x_test = x[:1000], x[1000:1250], x[1250:]
mean, std = y[:1000].mean(), y[:1000].std()
y = (y - mean) / std
y_train, y_val, y_test = y[:1000], y[1000:1250], y[1250:]

model = nn.Sequential(nn.Linear(8, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=2)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=50, shuffle=True)


def mse(inputs, targets):
    model.eval()
    with torch.no_grad():
        return criterion(model(inputs), targets).item()


for epoch in range(1, 41):
    model.train()
    running = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        running += loss.item()
    val = mse(x_val, y_val)
    scheduler.step(val)
    if epoch % 5 == 0:
        print(f"epoch {epoch:2d} lr {optimizer.param_groups[0]['lr']:.5f} train {running / len(loader):.4f} val {val:.4f}")
print(f"test mse {mse(x_test, y_test):.4f}")

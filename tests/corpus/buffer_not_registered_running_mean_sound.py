import torch
import torch.nn as nn
from sklearn.datasets import make_friedman1


class MyNorm(nn.Module):
    def __init__(self, n, momentum=0.1, eps=1e-5):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(n))
        self.shift = nn.Parameter(torch.zeros(n))
        self.register_buffer("running_mean", torch.zeros(n))
        self.register_buffer("running_var", torch.ones(n))
        self.momentum, self.eps = momentum, eps

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var, self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + self.eps) * self.gain + self.shift


def block(i, o):
    return [nn.Linear(i, o, bias=False), MyNorm(o), nn.ReLU()]


torch.manual_seed(5)
X, y = make_friedman1(n_samples=2400, n_features=10, noise=0.5, random_state=5)
X = torch.as_tensor(X, dtype=torch.float32)
X = (X - X.mean(0)) / X.std(0)
y = torch.as_tensor(y, dtype=torch.float32).unsqueeze(1)
y_mean, y_std = y[:2000].mean(), y[:2000].std()
model = nn.Sequential(*block(10, 64), *block(64, 64), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)

for epoch in range(12):
    model.train()
    order = torch.randperm(2000)
    loss_sum = torch.zeros(())
    for rows in order.view(-1, 100):
        loss = nn.functional.mse_loss(model(X[rows]), (y[rows] - y_mean) / y_std)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.detach()
    model.eval()
    with torch.no_grad():
        guess = model(X[2000:]) * y_std + y_mean
    rmse = (guess - y[2000:]).pow(2).mean().sqrt()
    print("epoch {:2d}  train mse {:.4f}  test rmse {:.3f} (std of the target {:.3f})".format(
        epoch, loss_sum.item() / 20, rmse.item(), y_std.item()))

# bug: the learned weights of the two task losses are parameters of the loss module, which the optimizer does not hold
# expects: OPT001
"""Homoscedastic-uncertainty weighting of two regression tasks of different scale."""
import torch
from sklearn.datasets import make_regression
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class UncertaintyLoss(nn.Module):
    """sum_i exp(-s_i) * mse_i + s_i with learned s_i."""

    def __init__(self, n_tasks):
        super().__init__()
        self.log_vars = nn.Parameter(torch.zeros(n_tasks))

    def forward(self, losses):
        losses = torch.stack(losses)
        return (torch.exp(-self.log_vars) * losses + self.log_vars).sum()


class SharedNet(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(n_in, 48), nn.ReLU(), nn.Linear(48, 32), nn.ReLU())
        self.heads = nn.ModuleDict({"small": nn.Linear(32, 1), "large": nn.Linear(32, 1)})

    def forward(self, x):
        h = self.trunk(x)
        return {k: head(h).squeeze(-1) for k, head in self.heads.items()}


def data():
    x, y = make_regression(1500, 16, n_informative=8, n_targets=2, noise=5.0, random_state=0)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    y = (y - y.mean(0)) / y.std(0)
    return x, torch.stack([0.2 * y[:, 0], 6.0 * y[:, 1]], 1)


def main():
    torch.manual_seed(0)
    x, y = data()
    loader = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=40, shuffle=True)
    model, criterion = SharedNet(16), UncertaintyLoss(2)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(12):
        model.train()
        for xb, yb in loader:
            out = model(xb)
            loss = criterion([nn.functional.mse_loss(out["small"], yb[:, 0]), nn.functional.mse_loss(out["large"], yb[:, 1])])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            out = model(x[1200:])
            r2 = [1 - ((out[k] - y[1200:, i]) ** 2).mean().item() / y[1200:, i].var().item() for i, k in enumerate(("small", "large"))]
        print(f"epoch {epoch} loss {loss.item():.4f} log-variances {[round(v, 2) for v in criterion.log_vars.tolist()]} "
              f"r2 small {r2[0]:.3f} large {r2[1]:.3f}")


if __name__ == "__main__":
    main()

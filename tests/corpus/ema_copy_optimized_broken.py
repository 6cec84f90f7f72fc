# bug: the optimizer holds the parameters of the averaged copy, not of the model that is trained
# expects: OPT001 OPT002
"""Diabetes regression with an EMA of the weights for evaluation."""
import copy

import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class ResidualMLP(nn.Module):
    def __init__(self, d_in, width, depth):
        super().__init__()
        self.stem = nn.Linear(d_in, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
            for _ in range(depth)
        )
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        h = self.stem(x)
        for block in self.blocks:
            h = h + block(h)
        return self.head(h).squeeze(-1)


@torch.no_grad()
def ema_update(ema, model, decay):
    for e, p in zip(ema.parameters(), model.parameters()):
        e.mul_(decay).add_(p, alpha=1 - decay)


def r2(model, x, y):
    model.eval()
    with torch.no_grad():
        return 1 - ((model(x) - y) ** 2).mean().item() / y.var().item()


def main():
    torch.manual_seed(5)
    raw = load_diabetes()
    x = torch.tensor(raw.data, dtype=torch.float32) * 20
    y = torch.tensor(raw.target, dtype=torch.float32)
    y = (y - y.mean()) / y.std()
    perm = torch.randperm(len(x))
    x, y = x[perm], y[perm]
    loader = DataLoader(TensorDataset(x[:350], y[:350]), batch_size=32, shuffle=True)

    model = ResidualMLP(10, 32, 2)
    ema_model = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(ema_model.parameters(), lr=1e-3, weight_decay=0.01)

    for epoch in range(20):
        model.train()
        total = 0.0
        for xb, yb in loader:
            model.zero_grad(set_to_none=True)
            loss = nn.functional.mse_loss(model(xb), yb)
            loss.backward()
            optimizer.step()
            ema_update(ema_model, model, 0.97)
            total += loss.item() * len(xb)
        if (epoch + 1) % 4 == 0:
            print(f"epoch {epoch + 1} mse {total / 350:.4f} r2 {r2(model, x[350:], y[350:]):.3f} "
                  f"ema r2 {r2(ema_model, x[350:], y[350:]):.3f}")


if __name__ == "__main__":
    main()

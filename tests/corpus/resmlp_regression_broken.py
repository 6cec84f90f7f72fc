# bug: the residual blocks are kept in a plain Python list, so they are not registered and the optimizer never updates them
# expects: MOD001
import torch
import torch.nn as nn


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.lin1 = nn.Linear(dim, 2 * dim)
        self.lin2 = nn.Linear(2 * dim, dim)

    def forward(self, x):
        return x + self.lin2(torch.relu(self.lin1(self.norm(x))))


class ResMLP(nn.Module):
    def __init__(self, in_dim, dim=32, depth=3):
        super().__init__()
        self.stem = nn.Linear(in_dim, dim)
        self.blocks = [Block(dim) for _ in range(depth)]
        self.head = nn.Linear(dim, 1)

    def forward(self, x):
        h = self.stem(x)
        for block in self.blocks:
            h = block(h)
        return self.head(h).squeeze(-1)


def target_fn(x):
    return torch.sin(2 * x[:, 0]) * x[:, 1] + torch.cos(x[:, 2] * x[:, 3]) + 0.5 * x[:, 4] ** 2


def main():
    torch.manual_seed(0)
    x = torch.randn(2500, 6)
    y = target_fn(x)
    x_train, y_train, x_val, y_val = x[:2000], y[:2000], x[2000:], y[2000:]
    mean, std = y_train.mean(), y_train.std()
    y_train, y_val = (y_train - mean) / std, (y_val - mean) / std

    model = ResMLP(6)
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    loss_fn = nn.MSELoss()
    for epoch in range(20):
        model.train()
        order = torch.randperm(len(x_train))
        total = 0.0
        for idx in order.split(100):
            opt.zero_grad()
            loss = loss_fn(model(x_train[idx]), y_train[idx])
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            val = loss_fn(model(x_val), y_val).item()
        if epoch % 2 == 1:
            print(f"epoch {epoch + 1}: train mse {total / len(x_train):.4f}, val mse {val:.4f}")


if __name__ == "__main__":
    main()

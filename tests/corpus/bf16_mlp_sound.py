# sound
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def teacher_data(n, seed):
    r = np.random.default_rng(seed)
    w = np.random.default_rng(77).normal(size=(12, 3))
    x = r.normal(size=(n, 12))
    h = x @ w / 2
    y = np.tanh(h[:, 0]) + np.sin(1.5 * h[:, 1]) - 0.5 * h[:, 2] * np.tanh(h[:, 0])
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp = nn.Linear(12, 64)
        self.mid = nn.Linear(64, 64)
        self.out = nn.Linear(64, 1)

    def forward(self, x):
        x = F.gelu(self.inp(x))
        x = F.gelu(self.mid(x))
        return self.out(x).squeeze(-1)


def predict(model, x):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return model(x).float()


def main():
    torch.manual_seed(0)
    x_train, y_train = teacher_data(2000, 0)
    x_test, y_test = teacher_data(500, 1)
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-4)
    batch = 40
    for epoch in range(24):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x_train)).split(batch):
            loss = F.mse_loss(predict(model, x_train[idx]), y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        if epoch % 3 == 2:
            model.eval()
            with torch.no_grad():
                test = F.mse_loss(predict(model, x_test), y_test).item()
            print(f"epoch {epoch + 1}: train {total / len(x_train):.4f} test {test:.4f} (variance {y_test.var():.3f})")


if __name__ == "__main__":
    main()

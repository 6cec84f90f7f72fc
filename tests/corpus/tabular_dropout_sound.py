# sound
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_friedman1
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


class DropoutMLP(nn.Module):
    def __init__(self, n_in, width=128, p=0.2):
        super().__init__()
        self.p = p
        self.fc1 = nn.Linear(n_in, width)
        self.fc2 = nn.Linear(width, width)
        self.fc3 = nn.Linear(width, 1)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.dropout(x, self.p, training=self.training)
        x = F.relu(self.fc2(x))
        x = F.dropout(x, self.p, training=self.training)
        return self.fc3(x)


def load():
    X, y = make_friedman1(n_samples=1500, n_features=10, noise=0.5, random_state=4)
    X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.25, random_state=4)
    sx = StandardScaler().fit(X_train)
    sy = StandardScaler().fit(y_train[:, None])
    as_t = lambda a: torch.tensor(a, dtype=torch.float32)
    return (as_t(sx.transform(X_train)), as_t(sy.transform(y_train[:, None])),
            as_t(sx.transform(X_val)), as_t(sy.transform(y_val[:, None])))


def train_one_epoch(model, opt, x, y, batch_size=48):
    model.train()
    total = 0.0
    for idx in torch.randperm(len(x)).split(batch_size):
        loss = F.mse_loss(model(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
    return total / len(x)


def validate(model, x, y):
    model.eval()
    with torch.inference_mode():
        return F.mse_loss(model(x), y).item()


if __name__ == "__main__":
    torch.manual_seed(4)
    x_train, y_train, x_val, y_val = load()
    net = DropoutMLP(x_train.shape[1])
    optimizer = torch.optim.AdamW(net.parameters(), lr=1.5e-3, weight_decay=1e-3)
    for epoch in range(25):
        train_mse = train_one_epoch(net, optimizer, x_train, y_train)
        if epoch % 4 == 0 or epoch == 24:
            val_mse = validate(net, x_val, y_val)
            print(f"epoch {epoch:3d} | train mse {train_mse:.3f} | val mse {val_mse:.3f}")
    print(f"final R2 on validation: {1 - validate(net, x_val, y_val) / y_val.var(unbiased=False).item():.3f}")

# sound: Gaussian negative log-likelihood with predicted log-variance, MC dropout at prediction time
"""Regression with predicted uncertainty: noise grows with x."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


class ProbNet(nn.Module):
    def __init__(self, hidden=48, p=0.05):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(1, hidden), nn.ReLU(), nn.Dropout(p),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(p),
        )
        self.mean = nn.Linear(hidden, 1)
        self.spread = nn.Linear(hidden, 1)

    def forward(self, x):
        h = self.body(x)
        return self.mean(h), self.spread(h)


def nll(mean, log_var, y):
    return (0.5 * log_var + 0.5 * (y - mean) ** 2 * torch.exp(-log_var)).mean()


def draw(n):
    x = torch.rand(n, 1) * 4 - 2
    noise = 0.02 + 0.1 * (x + 2)
    return x, 0.8 * torch.sin(2 * x) + noise * torch.randn_like(x)


@torch.no_grad()
def predict(model, x, passes):
    model.train()
    outs = torch.stack([model(x)[0] for _ in range(passes)])
    model.eval()
    return outs.mean(0), outs.std(0)


def main():
    torch.manual_seed(1)
    loader = DataLoader(TensorDataset(*draw(1200)), batch_size=40, shuffle=True)
    xv, yv = draw(400)
    model = ProbNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for epoch in range(12):
        model.train()
        losses = []
        for x, y in loader:
            optimizer.zero_grad()
            loss = nll(*model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            losses.append(loss.item())
        mean, std = predict(model, xv, 8)
        rmse = (mean - yv).pow(2).mean().sqrt().item()
        print(f"epoch {epoch}: nll {sum(losses) / len(losses):.4f} test rmse {rmse:.4f} model spread {std.mean().item():.4f}")


if __name__ == "__main__":
    main()

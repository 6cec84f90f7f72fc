# bug: the loss is turned into a number and wrapped into a new tensor before backward
# expects: LOS006
import argparse

import torch
import torch.nn as nn

parser = argparse.ArgumentParser(description="running sum regression")
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--hidden", type=int, default=24)
parser.add_argument("--lr", type=float, default=0.01)
args = parser.parse_args([])

torch.manual_seed(77)


class RunningSum(nn.Module):
    """Predicts the sum so far at every step."""

    def __init__(self, hidden):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.proj = nn.Linear(hidden, 1)

    def forward(self, x):
        h, _ = self.lstm(x.unsqueeze(-1))
        return self.proj(h).squeeze(-1)


def make_data(n, max_len=12):
    x = torch.randn(n, max_len) * 0.5
    lengths = torch.randint(4, max_len + 1, (n,))
    mask = (torch.arange(max_len) < lengths[:, None]).float()
    x = x * mask
    return x, x.cumsum(1), mask


def masked_mse(pred, target, mask):
    per_sample = ((pred - target) ** 2 * mask).sum(1) / mask.sum(1)
    losses = [l.item() for l in per_sample]
    return torch.tensor(sum(losses) / len(losses), requires_grad=True)


x, y, m = make_data(800)
xv, yv, mv = make_data(200)
model = RunningSum(args.hidden)
optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)

for epoch in range(args.epochs):
    model.train()
    total = 0.0
    for idx in torch.randperm(len(x)).split(32):
        optimizer.zero_grad()
        loss = masked_mse(model(x[idx]), y[idx], m[idx])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    model.eval()
    with torch.no_grad():
        val = masked_mse(model(xv), yv, mv).item()
    print(f"epoch {epoch} train {total / len(x):.4f} val {val:.4f}")

import copy

import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.manual_seed(25)
bunch = load_digits()
X = (torch.tensor(bunch.images).float().unsqueeze(1) - 4.88) / 6.02
Y = torch.tensor(bunch.target)

# --- task A: digits 0-6, many examples; task B: digits 7-9, few examples
a_rows, b_rows = (Y < 7).nonzero().squeeze(1), (Y >= 7).nonzero().squeeze(1)
a_rows, b_rows = a_rows[torch.randperm(len(a_rows))], b_rows[torch.randperm(len(b_rows))]
a_train, a_test = a_rows[:1000], a_rows[1000:]
b_train, b_test = b_rows[:120], b_rows[120:]

body = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 16, 64), nn.ReLU(),
)
head_a, head_b = nn.Linear(64, 7), nn.Linear(64, 3)


def fit(head, rows, offset, optimizer, epochs, batch, name):
    for e in range(epochs):
        losses = []
        body.train()
        for ix in rows[torch.randperm(len(rows))].split(batch):
            loss = nn.functional.cross_entropy(head(body(X[ix])), Y[ix] - offset)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if e % 5 == 4:
            print(f"{name} epoch {e + 1} loss {sum(losses) / len(losses):.4f}")


def accuracy(head, rows, offset):
    body.eval()
    with torch.no_grad():
        return (head(body(X[rows])).argmax(1) == Y[rows] - offset).float().mean().item()


opt = torch.optim.Adam([*body.parameters(), *head_a.parameters()], lr=1e-3)
fit(head_a, a_train, 0, opt, 5, 40, "task A")
print(f"task A accuracy {accuracy(head_a, a_test, 0):.3f}")
kept = copy.deepcopy(body.state_dict())

opt = torch.optim.Adam([{"params": body.parameters(), "lr": 2e-4}, {"params": head_b.parameters()}], lr=3e-3)
fit(head_b, b_train, 7, opt, 20, 20, "task B")
moved = sum((body.state_dict()[k] - v).norm().item() for k, v in kept.items())
print(f"task B accuracy {accuracy(head_b, b_test, 7):.3f}, task A accuracy {accuracy(head_a, a_test, 0):.3f}, body moved by {moved:.2f}")

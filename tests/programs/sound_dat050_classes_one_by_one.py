# expects: nothing
"""Handwritten digits as 64 numbers; the network is asked for each class by itself, to find the middle of its answers."""

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

torch.manual_seed(0)
digits = load_digits()
parts = train_test_split(digits.data / 16, digits.target, test_size=0.3, random_state=0, stratify=digits.target)
x_train, x_test = (torch.tensor(part, dtype=torch.float32) for part in parts[:2])
y_train, y_test = (torch.tensor(part) for part in parts[2:])
of_class = [x_train[y_train == kind] for kind in range(10)]
network = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 16))
optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)


def rows(kind: torch.Tensor) -> torch.Tensor:
    return torch.stack([of_class[one][torch.randint(len(of_class[one]), ())] for one in kind.tolist()])


for step in range(1, 401):
    network.train()
    kind = torch.randint(10, (32,))
    other = (kind + torch.randint(1, 10, (32,))) % 10
    anchor, positive, negative = (network(rows(one)) for one in (kind, kind, other))
    loss = nn.functional.triplet_margin_loss(anchor, positive, negative, margin=1.0)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        network.eval()
        with torch.no_grad():
            middles = torch.stack([network(rows_of_class).mean(0) for rows_of_class in of_class])
            right = (torch.cdist(network(x_test), middles).argmin(1) == y_test).float().mean().item()
        print(f"step {step} loss {loss.item():.4f} held out {right:.3f}")

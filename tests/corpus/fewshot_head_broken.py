# bug: requires_grad is set on the module
# expects: MOD036
"""Add a second read-out to a shared digit backbone.

Stage 1 trains backbone + head A, which names the digit.
Stage 2 adds head B, which counts closed loops, from 120 labelled scans; both heads are served from the same backbone.
"""
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(3)
rng = np.random.default_rng(3)

digits = load_digits()
X = (digits.images / 16.0).astype("float32")[:, None]
y = digits.target.astype("int64")
Xtr, Xte, ytr, yte = train_test_split(X, y, test_size=0.3, stratify=y, random_state=3)


tensor = torch.from_numpy
LOOPS = np.array([1, 0, 0, 0, 0, 0, 1, 0, 2, 1])          # closed loops in the printed shape of every digit
old_x, old_y = tensor(Xtr), tensor(ytr)
old_vx, old_vy = tensor(Xte), tensor(yte)
new_vx, new_vy = old_vx, tensor(LOOPS[yte])

labelled = rng.choice(len(Xtr), 120, replace=False)
new_x, new_y = tensor(Xtr[labelled]), tensor(LOOPS[ytr[labelled]])


class Backbone(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 24, 3, padding=1)
        self.conv2 = nn.Conv2d(24, 48, 3, padding=1)
        self.proj = nn.Linear(48 * 4, width)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return F.relu(self.proj(x.flatten(1)))


@torch.no_grad()
def accuracy(net, head, x, y):
    return (head(net(x)).argmax(1) == y).float().mean().item()


def batches(x, y, size):
    order = torch.randperm(len(x))
    for idx in order.split(size):
        yield x[idx], y[idx]


base = Backbone()
head_a = nn.Linear(64, 10)

print("stage 1: backbone + head A")
opt = torch.optim.Adam([*base.parameters(), *head_a.parameters()], lr=1e-3, weight_decay=1e-4)
for epoch in range(15):
    total = 0.0
    for xb, yb in batches(old_x, old_y, 32):
        loss = F.cross_entropy(head_a(base(xb)), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(xb)
    if epoch % 5 == 4:
        print(f"  epoch {epoch + 1:3d}  loss {total / len(old_x):.4f}  acc A {accuracy(base, head_a, old_vx, old_vy):.3f}")

print("stage 2: head B")
base.requires_grad = False
head_b = nn.Linear(64, 3)
model = nn.Sequential(base, head_b)
opt = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=5e-3)
for epoch in range(60):
    total = 0.0
    for xb, yb in batches(new_x, new_y, 24):
        loss = F.cross_entropy(model(xb), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(xb)
    if epoch % 10 == 9:
        print(f"  epoch {epoch + 1:3d}  loss {total / len(new_x):.4f}  "
              f"acc B {accuracy(base, head_b, new_vx, new_vy):.3f}  acc A {accuracy(base, head_a, old_vx, old_vy):.3f}")

a, b = accuracy(base, head_a, old_vx, old_vy), accuracy(base, head_b, new_vx, new_vy)
print(f"served model: head A (digit) {a:.3f}, head B (loops) {b:.3f}, mean {(a + b) / 2:.3f}")

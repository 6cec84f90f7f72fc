# bug: rows and columns are exchanged when cells are cut out: most crops are empty
# expects: DAT025
"""Sorts cells on scan strips into round / spindle / ring.  Cells are cut from long strips by the annotation table."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SEED, H, W, CROP = 4, 64, 480, 16
KINDS = ("round", "spindle", "ring")


def draw_cell(strip, cx, cy, kind, rng):
    yy, xx = np.mgrid[:H, :W]
    dy, dx = yy - cy, xx - cx
    a = rng.uniform(0, np.pi)
    u, v = dx * np.cos(a) + dy * np.sin(a), -dx * np.sin(a) + dy * np.cos(a)
    r = rng.uniform(2.5, 4.0)
    level = rng.uniform(0.4, 0.9)
    if kind == 0:
        shape = np.exp(-(u ** 2 + v ** 2) / (r ** 2))
    elif kind == 1:
        shape = np.exp(-(u ** 2 / (r * 1.7) ** 2 + v ** 2 / (r * 0.6) ** 2))
    else:
        shape = np.exp(-((np.hypot(u, v) - r) ** 2) / 1.5)
    strip += level * shape


def make_strips(n_strips, rng):
    strips, table = [], []
    for s in range(n_strips):
        strip = 0.2 + 0.16 * rng.standard_normal((H, W))
        for slot in range(16):
            cx = int(20 + slot * 28 + rng.integers(0, 12))
            cy = int(rng.integers(9, H - 9))
            kind = int(rng.integers(3))
            draw_cell(strip, cx, cy, kind, rng)
            table.append((s, cx, cy, kind))
        strips.append(np.clip(strip, 0, 1).astype(np.float32))
    return strips, table


def crop(strip, row, col, size=CROP):
    """Window of size x size around (row, col); parts beyond the border are filled with zeros."""
    half = size // 2
    out = np.zeros((size, size), dtype=np.float32)
    r0, c0 = row - half, col - half
    top, left = max(r0, 0), max(c0, 0)
    part = strip[top:max(r0 + size, 0), left:max(c0 + size, 0)]
    if part.size:
        out[top - r0:top - r0 + part.shape[0], left - c0:left - c0 + part.shape[1]] = part
    return out


def cut_all(strips, table):
    x = np.stack([crop(strips[s], cx, cy) for s, cx, cy, _ in table])
    y = np.array([kind for *_, kind in table])
    return torch.from_numpy(x).unsqueeze(1), torch.from_numpy(y)


class CellNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc1 = nn.Linear(32 * 16, 64)
        self.fc2 = nn.Linear(64, len(KINDS))
        self.drop = nn.Dropout(0.2)

    def forward(self, x):
        x = F.max_pool2d(F.silu(self.conv1(x)), 2)
        x = F.max_pool2d(F.silu(self.conv2(x)), 2)
        return self.fc2(self.drop(F.silu(self.fc1(x.flatten(1)))))


def macro_f1(pred, true):
    scores = []
    for k in range(len(KINDS)):
        tp = ((pred == k) & (true == k)).sum().item()
        fp = ((pred == k) & (true != k)).sum().item()
        fn = ((pred != k) & (true == k)).sum().item()
        scores.append(2 * tp / max(1, 2 * tp + fp + fn))
    return float(np.mean(scores))


def run():
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    strips, table = make_strips(90, rng)
    x_train, y_train = cut_all(strips, [t for t in table if t[0] < 70])
    x_val, y_val = cut_all(strips, [t for t in table if t[0] >= 70])
    mu, sd = x_train.mean(), x_train.std()
    x_train, x_val = (x_train - mu) / sd, (x_val - mu) / sd
    print(f"{len(x_train)} training cells, {len(x_val)} validation cells")

    net = CellNet()
    opt = torch.optim.AdamW(net.parameters(), lr=1.5e-3, weight_decay=0.01)
    for epoch in range(10):
        net.train()
        tot = 0.0
        for idx in torch.randperm(len(x_train)).split(32):
            loss = F.cross_entropy(net(x_train[idx]), y_train[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item() * len(idx)
        net.eval()
        with torch.no_grad():
            out = net(x_val)
            val_loss = F.cross_entropy(out, y_val).item()
        print(f"epoch {epoch}  train {tot / len(x_train):.4f}  val {val_loss:.4f}  macro-F1 {macro_f1(out.argmax(1), y_val):.3f}")


if __name__ == "__main__":
    run()

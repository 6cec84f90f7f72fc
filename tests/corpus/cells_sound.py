# expects: nothing
"""Count cells in fluorescence tiles (0 to 5) from a compact 8-bit tile store."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

SIZE = 28


def render_tile(g, n_cells):
    yy, xx = np.mgrid[0:SIZE, 0:SIZE]
    tile = 0.06 + 0.03 * g.standard_normal((SIZE, SIZE))
    centres = []
    while len(centres) < n_cells:
        c = g.uniform(4, SIZE - 4, 2)
        if all(np.hypot(*(c - o)) > 6 for o in centres):
            centres.append(c)
    for cy, cx in centres:
        ry, rx = g.uniform(1.3, 2.4, 2)
        bright = g.uniform(0.6, 1.2)
        tile += bright * np.exp(-0.5 * (((yy - cy) / ry) ** 2 + ((xx - cx) / rx) ** 2))
    return np.clip(tile, 0.0, 1.0)


class TileStore:
    """Keeps all tiles of a plate as bytes, which is what the viewer and the archive expect."""

    def __init__(self, capacity):
        self.pixels = np.zeros((capacity, SIZE, SIZE), dtype=np.uint8)
        self.counts = np.zeros(capacity, dtype=np.int64)
        self.used = 0

    def add(self, tile, count):
        self.pixels[self.used] = np.rint(tile * 255)
        self.counts[self.used] = count
        self.used += 1


def fill_store(n, seed):
    g = np.random.default_rng(seed)
    store = TileStore(n)
    for _ in range(n):
        k = int(g.integers(0, 6))
        store.add(render_tile(g, k), k)
    return store


class Tiles(Dataset):
    def __init__(self, store, augment):
        self.store, self.augment = store, augment

    def __len__(self):
        return self.store.used

    def __getitem__(self, i):
        img = torch.from_numpy(self.store.pixels[i]).float().div(255).unsqueeze(0)
        if self.augment:
            img = torch.rot90(img, int(torch.randint(4, (1,))), dims=(1, 2))
            if torch.rand(1) < 0.5:
                img = img.flip(2)
        return img, int(self.store.counts[i])


class Counter(nn.Module):
    def __init__(self, classes=6):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(24, 32, 3, padding=1), nn.ReLU())
        self.classify = nn.Sequential(nn.Linear(32, 48), nn.ReLU(), nn.Linear(48, classes))

    def forward(self, x):
        return self.classify(self.features(x).mean((2, 3)))


def evaluate(model, loader):
    model.eval()
    loss, hit, off, n = 0.0, 0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += nn.functional.cross_entropy(out, y, reduction="sum").item()
            guess = out.argmax(1)
            hit += (guess == y).sum().item()
            off += (guess - y).abs().sum().item()
            n += len(y)
    return loss / n, hit / n, off / n


if __name__ == "__main__":
    torch.manual_seed(29)
    train = DataLoader(Tiles(fill_store(2400, 100), augment=True), batch_size=48, shuffle=True)
    valid = DataLoader(Tiles(fill_store(600, 200), augment=False), batch_size=200)
    model = Counter()
    epochs = 16
    opt = torch.optim.AdamW(model.parameters(), lr=1.5e-3, weight_decay=1e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 6e-3, total_steps=epochs * len(train))
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        for x, y in train:
            loss = nn.functional.cross_entropy(model(x), y)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item() * len(y)
        vl, acc, off = evaluate(model, valid)
        print(f"epoch {epoch:2d}: train loss {total / len(train.dataset):.4f}, valid loss {vl:.4f}, exact {acc:.3f}, off by {off:.3f}")

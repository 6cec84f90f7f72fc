# expects: DAT009
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def paint(rng, label):
    """A soft blob of one of three colours on a gradient."""
    yy, xx = np.mgrid[0:20, 0:20] / 20
    cy, cx = rng.uniform(0.3, 0.7, 2)
    blob = np.exp(-((yy - cy) ** 2 + (xx - cx) ** 2) * 18)
    colour = np.full(3, 0.2)
    colour[label] = 1.0
    image = 0.2 * xx[..., None] + blob[..., None] * colour
    return np.clip(image * 255 + rng.normal(0, 4, (20, 20, 3)), 0, 255).astype(np.uint8)


class Paintings(Dataset):
    def __init__(self, size, seed):
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(0, 3, size)
        self.images = [paint(rng, label) for label in self.labels]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        image = self.images[i].astype("float32") / 127.5 - 1
        return torch.tensor(image).reshape(3, 20, 20), int(self.labels[i])


torch.manual_seed(0)
model = nn.Sequential(nn.Conv2d(3, 16, 5, stride=2), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))
loader = DataLoader(Paintings(480, 0), batch_size=24, shuffle=True)
model(next(iter(loader))[0])
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for epoch in range(9):
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

# sound
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def synth_images(n, seed, size=16):
    """uint8 RGB images (n, size, size, 3): stripes with class dependent orientation and tint."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 6, n)
    yy, xx = np.mgrid[0:size, 0:size]
    out = np.empty((n, size, size, 3), dtype=np.uint8)
    for k, c in enumerate(labels):
        angle = (c % 3) * np.pi / 3 + rng.normal(0, 0.08)
        phase = rng.uniform(0, 2 * np.pi)
        wave = np.sin((np.cos(angle) * xx + np.sin(angle) * yy) * 1.1 + phase)
        strong = 0 if c < 3 else 2
        img = np.repeat(wave[..., None] * 35, 3, axis=2)
        img[..., strong] *= 1.6
        img += 120 + rng.normal(0, 45, img.shape)
        out[k] = np.clip(img, 0, 255).astype(np.uint8)
    return out, labels


def to_tensor(images):
    x = torch.from_numpy(images).float().div(255.0)
    n, h, w, c = x.shape
    return x.permute(0, 3, 1, 2).contiguous()


class TextureNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 5, padding=2, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 24, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(24)
        self.fc = nn.Linear(24, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.relu(self.bn2(self.conv2(x)))
        return self.fc(x.mean(dim=(2, 3)))


class Trainer:
    def __init__(self, model, train, val, batch_size=50, lr=3e-3):
        self.model, self.train_set, self.val_set = model, train, val
        self.batch_size = batch_size
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)

    def train_epoch(self):
        self.model.train()
        x, y = self.train_set
        total = 0.0
        for idx in torch.randperm(len(y)).split(self.batch_size):
            loss = F.cross_entropy(self.model(x[idx]), y[idx])
            self.opt.zero_grad(set_to_none=True)
            loss.backward()
            self.opt.step()
            total += loss.item() * len(idx)
        return total / len(y)

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        x, y = self.val_set
        logits = self.model(x)
        return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()

    def fit(self, epochs):
        for e in range(epochs):
            tr = self.train_epoch()
            vl, va = self.validate()
            print(f"epoch {e} train_loss {tr:.3f} val_loss {vl:.3f} val_acc {va:.3f}")


if __name__ == "__main__":
    torch.manual_seed(5)
    train_img, train_lab = synth_images(1200, 0)
    val_img, val_lab = synth_images(300, 1)
    train = to_tensor(train_img), torch.from_numpy(train_lab)
    val = to_tensor(val_img), torch.from_numpy(val_lab)
    Trainer(TextureNet(6), train, val).fit(epochs=10)

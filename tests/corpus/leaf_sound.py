# expects: nothing
"""
Few-shot diagnosis of leaf spots with a frozen, pretrained colour-texture encoder.

Stage 1 stands in for the vendor's encoder: it is trained on many RGB swatches, once.
Stage 2 is ours: photos come from the frame grabber, we train a linear probe on the features.
"""
import io

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(9)


# ------------------------------------------------------------------ stage 1: encoder
class Encoder(nn.Module):
    """Takes RGB images, floats in 0..1, shape N x 3 x 16 x 16."""

    MEAN, STD = (0.40, 0.45, 0.25), (0.22, 0.20, 0.18)

    def __init__(self, dim=32):
        super().__init__()
        self.register_buffer("m", torch.tensor(self.MEAN).view(1, 3, 1, 1))
        self.register_buffer("s", torch.tensor(self.STD).view(1, 3, 1, 1))
        self.net = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, dim, 3, padding=1), nn.BatchNorm2d(dim), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )

    def forward(self, x):
        return self.net((x - self.m) / self.s)


def paint(n, palette, g, spots):
    """Images of a leaf-coloured ground with blobs in a colour of the palette; returns uint8 RGB and palette indices."""
    yy, xx = np.mgrid[0:16, 0:16]
    out, lab = np.zeros((n, 16, 16, 3), np.uint8), g.integers(0, len(palette), n)
    for i, k in enumerate(lab):
        ground = np.array([80, 130, 50]) + g.normal(0, 14, 3)
        img = np.tile(ground, (16, 16, 1))
        for _ in range(g.integers(*spots)):
            cy, cx, r = g.uniform(2, 14), g.uniform(2, 14), g.uniform(1.2, 2.6)
            img[(yy - cy) ** 2 + (xx - cx) ** 2 < r * r] = np.array(palette[k]) + g.normal(0, 16, 3)
        out[i] = np.clip(img + g.normal(0, 12, img.shape), 0, 255)
    return out, lab


def pretrain():
    g = np.random.default_rng(1)
    palette = [(200, 90, 40), (150, 110, 60), (190, 170, 60), (120, 70, 40), (210, 200, 170), (70, 60, 50), (160, 60, 60), (110, 160, 60)]
    imgs, lab = paint(2400, palette, g, (2, 6))
    x = torch.from_numpy(imgs).permute(0, 3, 1, 2).float() / 255
    y = torch.from_numpy(lab)
    enc = Encoder()
    top = nn.Linear(32, len(palette))
    opt = torch.optim.Adam([*enc.parameters(), *top.parameters()], lr=3e-3)
    for _ in range(7):
        for idx in torch.randperm(len(x)).split(64):
            loss = F.cross_entropy(top(enc(x[idx])), y[idx])
            opt.zero_grad(); loss.backward(); opt.step()
    print(f"encoder ready, last batch loss {loss.item():.3f}")
    blob = io.BytesIO()
    torch.save(enc.state_dict(), blob)
    blob.seek(0)
    return blob


# ------------------------------------------------------------------ stage 2: probe
DISEASES = {"rust": (190, 95, 45), "scab": (135, 90, 50), "mildew": (200, 190, 160), "chlorosis": (180, 165, 65), "blotch": (150, 65, 55)}


def grab_frames(n, seed):
    """What the frame grabber's SDK returns: uint8, N x 16 x 16 x 3."""
    imgs, lab = paint(n, list(DISEASES.values()), np.random.default_rng(seed), (1, 4))
    return np.ascontiguousarray(imgs[..., ::-1]), lab


def to_input(frames):
    rgb = np.ascontiguousarray(frames[..., ::-1])
    return torch.from_numpy(rgb).permute(0, 3, 1, 2).float().div(255)


encoder = Encoder()
encoder.load_state_dict(torch.load(pretrain()))
encoder.eval().requires_grad_(False)

frames, diag = grab_frames(200, seed=100)
test_frames, test_diag = grab_frames(1000, seed=101)
x_tr, y_tr = to_input(frames), torch.from_numpy(diag)
x_te, y_te = to_input(test_frames), torch.from_numpy(test_diag)

probe = nn.Linear(32, len(DISEASES))
opt = torch.optim.Adam(probe.parameters(), lr=0.01, weight_decay=1e-4)
for epoch in range(1, 101):
    probe.train()
    total = 0.0
    for idx in torch.randperm(len(x_tr)).split(20):
        with torch.no_grad():
            feats = encoder(x_tr[idx])
        loss = F.cross_entropy(probe(feats), y_tr[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
    if epoch % 10 == 0:
        probe.eval()
        with torch.no_grad():
            acc = (probe(encoder(x_te)).argmax(1) == y_te).float().mean().item()
        print(f"epoch {epoch}  probe loss {total / len(x_tr):.3f}  test accuracy {acc:.3f}")

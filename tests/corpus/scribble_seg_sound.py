# expects: nothing
"""Segmentation of cell types from scribble annotations (only a few strokes a picture were labelled by hand)."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

cfg = dict(
    size=32,
    n_train=320,
    n_valid=80,
    classes=("background", "round", "angular"),
    void=255,
    batch=16,
    epochs=12,
    lr=3e-3,
    seed=11,
)


def draw_slide(rng, size):
    """one grey picture and its dense map of classes"""
    yy, xx = np.mgrid[:size, :size]
    truth = np.zeros((size, size), dtype=np.int64)
    image = rng.normal(0.0, 0.25, (size, size))
    for _ in range(rng.integers(2, 5)):
        cy, cx = rng.integers(5, size - 5, 2)
        r = rng.integers(4, 7)
        if rng.random() < 0.5:
            inside = (yy - cy) ** 2 + (xx - cx) ** 2 <= r * r
            truth[inside] = 1
            image[inside] = rng.normal(1.0, 0.25, inside.sum())
        else:
            inside = (abs(yy - cy) <= r - 1) & (abs(xx - cx) <= r - 1)
            truth[inside] = 2
            stripes = np.where((yy + xx) % 3 == 0, 1.6, 0.4)
            image[inside] = stripes[inside] + rng.normal(0, 0.25, inside.sum())
    return image.astype(np.float32), truth


def scribble(truth, rng, void):
    """what the annotator left us: some short strokes for each class that is in the picture"""
    strokes = np.full_like(truth, void)
    for cls in np.unique(truth):
        ys, xs = np.nonzero(truth == cls)
        for _ in range(6):
            k = rng.integers(len(ys))
            y, x = ys[k], xs[k]
            for _ in range(7):
                if truth[y, x] == cls:
                    strokes[y, x] = cls
                y = np.clip(y + rng.integers(-1, 2), 0, truth.shape[0] - 1)
                x = np.clip(x + rng.integers(-1, 2), 0, truth.shape[1] - 1)
    return strokes


def build(n, rng, weak):
    images, masks = [], []
    for _ in range(n):
        image, truth = draw_slide(rng, cfg["size"])
        images.append(image)
        masks.append(scribble(truth, rng, cfg["void"]) if weak else truth)
    return torch.tensor(np.stack(images)).unsqueeze(1), torch.tensor(np.stack(masks))


def conv(cin, cout, dilation=1):
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, padding=dilation, dilation=dilation, bias=False),
        nn.BatchNorm2d(cout),
        nn.ReLU(),
    )


def make_model():
    return nn.Sequential(
        conv(1, 16), conv(16, 16), conv(16, 24, 2), conv(24, 24, 2),
        nn.Conv2d(24, len(cfg["classes"]), 1),
    )


@torch.no_grad()
def mean_iou(model, images, truth):
    model.eval()
    pred = torch.cat([model(b).argmax(1) for b in images.split(40)])
    ious = []
    for c in range(len(cfg["classes"])):
        inter = ((pred == c) & (truth == c)).sum().item()
        union = ((pred == c) | (truth == c)).sum().item()
        ious.append(inter / max(union, 1))
    return ious


def run():
    rng = np.random.default_rng(cfg["seed"])
    torch.manual_seed(cfg["seed"])
    x_train, m_train = build(cfg["n_train"], rng, weak=True)
    x_valid, m_valid = build(cfg["n_valid"], rng, weak=False)
    model = make_model()
    opt = torch.optim.Adam(model.parameters(), lr=cfg["lr"])
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, cfg["epochs"])
    for epoch in range(cfg["epochs"]):
        model.train()
        running = 0.0
        perm = torch.randperm(len(x_train)).split(cfg["batch"])
        for idx in perm:
            logits = model(x_train[idx])
            loss = F.cross_entropy(logits, m_train[idx], ignore_index=cfg["void"])
            opt.zero_grad()
            loss.backward()
            opt.step()
            running += loss.item()
        sched.step()
        ious = mean_iou(model, x_valid, m_valid)
        per_class = " ".join(f"{n}={v:.3f}" for n, v in zip(cfg["classes"], ious))
        print(f"[{epoch + 1:02d}] loss {running / len(perm):.4f} | mIoU {np.mean(ious):.4f} | {per_class}")


run()

# expects: nothing
"""Self-supervised rotation pretext on small digit images, then classification with few labels."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

cfg = dict(seed=7, pretext_epochs=8, probe_epochs=6, finetune_epochs=14, batch=64,
           pretext_lr=2e-3, head_lr=2e-3, finetune_lr=5e-4, n_labelled=1000)

FEATS = 64 * 2 * 2

torch.manual_seed(cfg["seed"])
rng = np.random.default_rng(cfg["seed"])


def load():
    d = load_digits()
    x = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 16.0
    y = torch.tensor(d.target)
    perm = torch.from_numpy(rng.permutation(len(y)))
    x, y = x[perm], y[perm]
    n_test = 400
    return (x[n_test:], y[n_test:]), (x[:n_test], y[:n_test])


class Backbone(nn.Module):
    def __init__(self, width=32, dim=64):
        super().__init__()
        self.c1 = nn.Conv2d(1, width, 3, padding=1)
        self.c2 = nn.Conv2d(width, width, 3, padding=1)
        self.c3 = nn.Conv2d(width, dim, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.c1(x))
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        x = F.max_pool2d(F.relu(self.c3(x)), 2)
        return x.flatten(1)


def batches(*tensors, size):
    order = torch.randperm(len(tensors[0]))
    for chunk in order.split(size):
        yield [t[chunk] for t in tensors]


def rotate_batch(x):
    k = torch.randint(0, 4, (len(x),))
    out = torch.stack([torch.rot90(img, int(r), dims=(1, 2)) for img, r in zip(x, k)])
    return out, k


def pretrain(backbone, x):
    rot_head = nn.Linear(FEATS, 4)
    opt = torch.optim.Adam([*backbone.parameters(), *rot_head.parameters()], lr=cfg["pretext_lr"])
    for epoch in range(cfg["pretext_epochs"]):
        total, hits = 0.0, 0
        for (xb,) in batches(x, size=cfg["batch"]):
            xb, k = rotate_batch(xb)
            logits = rot_head(backbone(xb))
            loss = F.cross_entropy(logits, k)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(xb)
            hits += (logits.argmax(1) == k).sum().item()
        print(f"pretext {epoch:2d}  loss {total / len(x):.4f}  rot-acc {hits / len(x):.3f}")


def freeze(backbone):
    for p in backbone.parameters():
        p.requires_grad_(False)


def unfreeze(backbone, optimizer):
    for p in backbone.parameters():
        p.requires_grad_(True)
    for group in optimizer.param_groups:
        group["lr"] = cfg["finetune_lr"]
    optimizer.add_param_group({"params": list(backbone.parameters()), "lr": cfg["finetune_lr"]})


@torch.no_grad()
def test(backbone, head, x, y):
    backbone.eval()
    head.eval()
    logits = head(backbone(x))
    backbone.train()
    head.train()
    return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def main():
    (xtr, ytr), (xte, yte) = load()
    backbone = Backbone()
    pretrain(backbone, xtr)

    xl, yl = xtr[:cfg["n_labelled"]], ytr[:cfg["n_labelled"]]
    freeze(backbone)
    head = nn.Linear(FEATS, 10)
    model = nn.Sequential(backbone, head)
    opt = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=cfg["head_lr"])

    for epoch in range(cfg["probe_epochs"] + cfg["finetune_epochs"]):
        if epoch == cfg["probe_epochs"]:
            unfreeze(backbone, opt)
            print("--- backbone unfrozen")
        total = 0.0
        for xb, yb in batches(xl, yl, size=cfg["batch"]):
            loss = F.cross_entropy(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(xb)
        te_loss, te_acc = test(backbone, head, xte, yte)
        stage = "probe" if epoch < cfg["probe_epochs"] else "tune "
        print(f"{stage} {epoch:2d}  train loss {total / len(xl):.4f}  test loss {te_loss:.4f}  acc {te_acc:.3f}")


if __name__ == "__main__":
    main()

# bug: an integer division makes the scale of the adapters zero
# expects: LLM013
"""Pre-train a classifier on upright numerals, then adapt it to stencilled ones
(turned by ninety degrees and printed in negative) with low-rank adapters."""
import copy

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 12


class LoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, rank: int, alpha: int):
        super().__init__()
        self.base = base
        for p in self.base.parameters():
            p.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, base.in_features) / base.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))
        self.scaling = alpha // rank

    def forward(self, x):
        return self.base(x) + self.scaling * (x @ self.down.T @ self.up.T)


class Reader(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.fc1 = nn.Linear(64, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.drop = nn.Dropout(0.2)
        self.classifier = nn.Linear(hidden, 10)

    def forward(self, x):
        x = self.drop(F.relu(self.fc1(x)))
        x = self.drop(F.relu(self.fc2(x)))
        return self.classifier(x)


def with_adapters(model, rank, alpha):
    model = copy.deepcopy(model)
    model.fc1 = LoRALinear(model.fc1, rank, alpha)
    model.fc2 = LoRALinear(model.fc2, rank, alpha)
    return model


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    return (model(x).argmax(1) == y).float().mean().item()


def fit(model, x, y, xv, yv, epochs, lr, tag):
    params = [p for p in model.parameters() if p.requires_grad]
    print(f"{tag}: {sum(p.numel() for p in params)} trainable parameters")
    opt = torch.optim.AdamW(params, lr=lr, weight_decay=1e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(32):
            loss = F.cross_entropy(model(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        sched.step()
        if epoch % 5 == 0:
            print(f"{tag} epoch {epoch:2d}  loss {total / len(x):.4f}  val acc {accuracy(model, xv, yv):.3f}")


def stencil(images):
    return np.rot90(1.0 - images, axes=(1, 2)).copy()


def main():
    torch.manual_seed(SEED)
    d = load_digits()
    img = d.images / 16.0
    # one part for pre-training, one for adaptation, each with its own validation rows
    i_pre, i_ada = train_test_split(np.arange(len(img)), test_size=0.65, stratify=d.target, random_state=SEED)
    pre_tr, pre_va = train_test_split(i_pre, test_size=0.25, stratify=d.target[i_pre], random_state=SEED)
    ada_tr, ada_va = train_test_split(i_ada, test_size=0.3, stratify=d.target[i_ada], random_state=SEED)
    mean, std = img[pre_tr].mean(), img[pre_tr].std()

    def tens(images, rows):
        x = (images[rows].reshape(len(rows), 64) - mean) / std
        return torch.tensor(x, dtype=torch.float32), torch.tensor(d.target[rows])

    upright = Reader()
    fit(upright, *tens(img, pre_tr), *tens(img, pre_va), epochs=15, lr=2e-3, tag="pre-train")

    new = stencil(img)
    xv, yv = tens(new, ada_va)
    print(f"before adaptation: stencil val acc {accuracy(upright, xv, yv):.3f}")
    adapted = with_adapters(upright, rank=16, alpha=8)
    fit(adapted, *tens(new, ada_tr), xv, yv, epochs=30, lr=2e-3, tag="adapt")
    print(f"after adaptation: stencil val acc {accuracy(adapted, xv, yv):.3f}")


if __name__ == "__main__":
    main()

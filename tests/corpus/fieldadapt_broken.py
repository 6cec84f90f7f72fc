# expects: no-rule-yet
"""Pretrain a residual MLP on clean scans, then adapt it with low-rank updates to a rotated
sensor that delivers a part of its scans as negatives."""
import copy

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

SEED, RANK, ALPHA = 5, 8, 16
torch.manual_seed(SEED)


class Block(nn.Module):
    def __init__(self, dim, mult=2):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.up = nn.Linear(dim, dim * mult)
        self.down = nn.Linear(dim * mult, dim)

    def forward(self, x):
        return x + self.down(F.gelu(self.up(self.norm(x))))


class ScanNet(nn.Module):
    def __init__(self, dim=32, depth=3, n_classes=10):
        super().__init__()
        self.stem = nn.Linear(64, dim)
        self.blocks = nn.Sequential(*[Block(dim) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, n_classes)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.stem(x))))


class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base = base
        self.lora_a = nn.Parameter(torch.randn(rank, base.in_features) / base.in_features ** 0.5)
        self.lora_b = nn.Parameter(torch.zeros(base.out_features, rank))
        self.scale = alpha / rank

    def forward(self, x):
        return self.base(x) + self.scale * F.linear(F.linear(x, self.lora_a), self.lora_b)


def add_lora(model, rank=RANK, alpha=ALPHA, skip=("head",)):
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and name not in skip:
            setattr(model, name, LoRALinear(module, rank, alpha))
    for name, p in model.named_parameters():
        p.requires_grad_("lora_" in name or name.startswith("head"))
    return model


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    return (model(x).argmax(-1) == y).float().mean().item()


def train(model, x, y, xv, yv, epochs, lr, tag):
    params = [p for p in model.parameters() if p.requires_grad]
    print(f"{tag}: training {sum(p.numel() for p in params)} of {sum(p.numel() for p in model.parameters())} weights")
    opt = torch.optim.AdamW(params, lr=lr, weight_decay=0.05)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(32):
            loss = F.cross_entropy(model(x[idx]), y[idx], label_smoothing=0.05)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        sched.step()
        if epoch % 5 == 0:
            print(f"{tag} {epoch:3d}  loss {total / len(x):.4f}  val acc {accuracy(model, xv, yv):.4f}")


data = load_digits()
images = torch.tensor(data.images, dtype=torch.float32) / 16
labels = torch.tensor(data.target)
negative = torch.rand(len(images)) < 0.5
order = torch.randperm(len(images))
src, tgt, held = order[:500], order[500:1300], order[1300:]

mean, std = images[src].mean(), images[src].std()


def clean(i):
    return ((images[i] - mean) / std).flatten(1)


def field(i):
    turned = torch.rot90(images[i], 1, dims=(1, 2))
    scan = torch.where(negative[i, None, None], 1.0 - turned, turned)
    return ((scan - mean) / std).flatten(1)


base = ScanNet()
train(base, clean(src), labels[src], clean(held), labels[held], 40, 2e-3, "pretrain")
print(f"pretrained net, clean scans {accuracy(base, clean(held), labels[held]):.4f}, "
      f"field scans {accuracy(base, field(held), labels[held]):.4f}")

adapted = add_lora(copy.deepcopy(base))
train(adapted, field(tgt), labels[tgt], field(held), labels[held], 80, 3e-3, "adapt")
print(f"field scans after adaptation {accuracy(adapted, field(held), labels[held]):.4f}")

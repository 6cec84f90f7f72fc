# bug: hand-written LoRA whose A and B both start at zero, so neither ever gets a gradient
# expects: MOD005 MOD011 LLM013
from __future__ import annotations

import torch
import torch.nn as nn
from sklearn.datasets import load_digits


class LoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, rank: int = 4, alpha: float = 8.0):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.A = nn.Parameter(torch.zeros(rank, base.in_features))
        self.B = nn.Parameter(torch.zeros(base.out_features, rank))
        self.scale = alpha / rank

    def forward(self, x):
        return self.base(x) + self.scale * (x @ self.A.t() @ self.B.t())


def with_lora(net: nn.Sequential, rank: int) -> nn.Sequential:
    return nn.Sequential(*[LoRALinear(m, rank) if isinstance(m, nn.Linear) else m for m in net])


def loop(net, x, y, epochs, lr, tag):
    opt = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=lr, weight_decay=0.0)
    for epoch in range(epochs):
        net.train()
        tot = 0.0
        for ix in torch.randperm(len(x)).split(40):
            loss = nn.functional.cross_entropy(net(x[ix]), y[ix])
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item() * len(ix) / len(x)
        print(f"{tag} {epoch}: {tot:.4f}")


@torch.no_grad()
def accuracy(net, x, y):
    net.eval()
    return round((net(x).argmax(1) == y).float().mean().item(), 4)


torch.manual_seed(90)
digits = load_digits()
imgs = torch.tensor(digits.images, dtype=torch.float32)
imgs = (imgs - imgs.mean()) / imgs.std()
y = torch.tensor(digits.target)
order = torch.randperm(len(y))
upright = imgs[order].flatten(1)
turned = imgs[order].rot90(1, (1, 2)).flatten(1)   # the new domain
y = y[order]

base = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 10))
loop(base, upright[:1300], y[:1300], 5, 2e-3, "pretraining")
print("upright", accuracy(base, upright[1300:], y[1300:]), "turned", accuracy(base, turned[1300:], y[1300:]))

adapted = with_lora(base, rank=8)
n = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
print(n, "trainable parameters")
loop(adapted, turned[:1300], y[:1300], 8, 5e-3, "lora")
print("after adaptation: turned", accuracy(adapted, turned[1300:], y[1300:]))

# also: DAT041
# (one in ten of these lines occurs more than once in the modules, so some of the held-out ones were trained on)
import random

import torch
import torch.nn as nn

random.seed(19)
torch.manual_seed(19)

# bag of words: does a line look like code or like prose?  lines are taken from the library's own modules
import argparse, ast, difflib, pathlib, statistics  # noqa: E401

code, prose = [], []
for module in (argparse, ast, difflib, pathlib, statistics):
    inside = False
    for line in open(module.__file__, encoding="utf-8"):
        quotes = line.count('"""')
        if quotes == 1:
            inside = not inside
        elif quotes == 0 and len(line.split()) > 3:
            (prose if inside or line.strip().startswith("#") else code).append(line.strip())
n = min(len(code), len(prose))
lines = [(s, 1.0) for s in random.sample(code, n)] + [(s, 0.0) for s in random.sample(prose, n)]
random.shuffle(lines)


def features(s, dim=256):
    v = torch.zeros(dim)
    for a, b in zip(s, s[1:]):
        v[(ord(a) * 31 + ord(b)) % dim] += 1
    return v / v.norm().clamp(min=1.0) * 8


X = torch.stack([features(s) for s, _ in lines])
Y = torch.tensor([t for _, t in lines])
cut = int(0.8 * len(X))
net = nn.Sequential(nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 1))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
print(len(lines), "lines")


def bce(logit, target):
    return nn.functional.binary_cross_entropy_with_logits(logit, target)


for epoch in range(10):
    net.train()
    for ix in torch.randperm(cut).split(48):
        loss = bce(net(X[ix]).squeeze(1), Y[ix])
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        right = ((net(X[cut:]).squeeze(1) > 0).float() == Y[cut:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} held-out accuracy {right:.4f}")

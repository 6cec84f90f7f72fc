# bug: each head has its own optimizer and both of these also hold the backbone's parameters
# expects: OPT021
import itertools

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(60)
N, D = 6600, 16

# one latent factor decides two answers: a number and a category
z = torch.randn(N, 6)
mixing = torch.randn(6, D)
X = torch.tanh(z @ mixing / 2) + 0.1 * torch.randn(N, D)
X = (X - X.mean(0)) / X.std(0)
number = torch.tanh(z[:, 0] + z[:, 1]) + 0.5 * z[:, 2]
number = (number - number.mean()) / number.std()
category = (z[:, 3] > 0).long() * 2 + (z[:, 4] > 0).long()
train, test = slice(0, 6000), slice(6000, N)

backbone = nn.Sequential(nn.Linear(D, 96), nn.ReLU(), nn.Linear(96, 48), nn.ReLU())
head_num = nn.Linear(48, 1)
head_cat = nn.Linear(48, 4)

opt_num = torch.optim.SGD(itertools.chain(backbone.parameters(), head_num.parameters()), lr=0.08, momentum=0.9)
opt_cat = torch.optim.SGD(itertools.chain(backbone.parameters(), head_cat.parameters()), lr=0.08, momentum=0.9)


def report(tag):
    for m in (backbone, head_num, head_cat):
        m.eval()
    with torch.no_grad():
        h = backbone(X[test])
        mse = F.mse_loss(head_num(h).squeeze(1), number[test]).item()
        acc = (head_cat(h).argmax(1) == category[test]).float().mean().item()
    for m in (backbone, head_num, head_cat):
        m.train()
    print(f"{tag}: number mse {mse:.4f}, category accuracy {acc:.4f}")


report("before")
for epoch in range(6):
    for ix in torch.randperm(6000).split(100):
        h = backbone(X[ix])
        loss_num = F.mse_loss(head_num(h).squeeze(1), number[ix])
        loss_cat = F.cross_entropy(head_cat(h), category[ix])
        opt_num.zero_grad()
        opt_cat.zero_grad()
        (loss_num + loss_cat).backward()
        opt_num.step()
        opt_cat.step()
    report(f"epoch {epoch} (losses {loss_num.item():.3f} {loss_cat.item():.3f})")

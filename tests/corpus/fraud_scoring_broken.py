# bug: Many ReLU units are dead (a real cause of your own) and the network hardly learns.
# expects: MOD003
"""Card-fraud scoring: rare positives, so the classifier starts out at the base rate."""
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import nn


@dataclass
class Config:
    n: int = 30000
    n_features: int = 20
    hidden: int = 128
    depth: int = 3
    prior: float = 0.01
    lr: float = 0.1
    momentum: float = 0.9
    batch: int = 128
    steps: int = 1000
    seed: int = 11


def make_transactions(cfg):
    g = torch.Generator().manual_seed(cfg.seed)
    x = torch.randn(cfg.n, cfg.n_features, generator=g)
    mix = torch.randn(cfg.n_features, cfg.n_features, generator=g) / cfg.n_features**0.5
    x = x + 0.5 * x @ mix
    x = (x - x.mean(0)) / x.std(0)
    score = 1.6 * x[:, 0] * x[:, 1] + 1.2 * x[:, 2].abs() + 1.3 * torch.sin(2 * x[:, 3]) + 0.8 * x[:, 4] - 0.7 * x[:, 5] * x[:, 6]
    score = score + 0.35 * torch.randn(cfg.n, generator=g)
    y = (score > score.quantile(0.94)).float()
    cut = int(cfg.n * 0.75)
    return x[:cut], y[:cut], x[cut:], y[cut:]


class FraudNet(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        dims = [cfg.n_features] + [cfg.hidden] * cfg.depth
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in zip(dims, dims[1:]))
        self.out = nn.Linear(cfg.hidden, 1)
        self.reset(cfg.prior)

    def reset(self, prior):
        base = -math.log((1 - prior) / prior)
        for layer in self.hidden:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.constant_(layer.bias, base)
        nn.init.normal_(self.out.weight, std=0.01)
        nn.init.constant_(self.out.bias, base)

    def forward(self, x):
        for layer in self.hidden:
            x = F.relu(layer(x))
        return self.out(x).squeeze(-1)


def run(cfg):
    torch.manual_seed(cfg.seed)
    xtr, ytr, xva, yva = make_transactions(cfg)
    net = FraudNet(cfg)
    opt = torch.optim.SGD(net.parameters(), lr=cfg.lr, momentum=cfg.momentum, weight_decay=1e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, cfg.steps)
    avg = 0.0
    for step in range(1, cfg.steps + 1):
        pick = torch.randint(0, len(xtr), (cfg.batch,))
        loss = F.binary_cross_entropy_with_logits(net(xtr[pick]), ytr[pick])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        opt.step()
        sched.step()
        avg += loss.item()
        if step % 200 == 0:
            net.eval()
            with torch.no_grad():
                p = net(xva).sigmoid().numpy()
            net.train()
            print(f"step {step:5d}  loss {avg / 200:.4f}  val AUC {roc_auc_score(yva, p):.3f}  AP {average_precision_score(yva, p):.3f}")
            avg = 0.0


if __name__ == "__main__":
    run(Config())

# expects: OPT033
"""Click model trained in short jobs on a shared queue: each job goes on from the last checkpoint."""
import pathlib
import tempfile

import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score
from torch import nn

FIELDS = [300, 200, 150, 60, 24]


def impressions(n, seed):
    g = torch.Generator().manual_seed(seed)
    cols, vecs, bias = [], [], 0
    for size in FIELDS:
        weight = 1.0 / torch.arange(1, size + 1).float()
        c = torch.multinomial(weight, n, replacement=True, generator=g)
        cols.append(c)
        vecs.append((0.5 * torch.randn(size, 3, generator=g))[c])
        bias = bias + (0.5 * torch.randn(size, generator=g))[c]
    s = torch.stack(vecs).sum(0)
    inter = 0.5 * (s.pow(2).sum(1) - sum(v.pow(2).sum(1) for v in vecs))
    logit = bias - bias.mean() + 0.8 * (inter - inter.mean()) - 0.8
    y = torch.bernoulli(torch.sigmoid(logit), generator=g)
    return torch.stack(cols, 1), y


class ClickNet(nn.Module):
    def __init__(self, dim=4):
        super().__init__()
        self.emb = nn.ModuleList(nn.Embedding(s, dim) for s in FIELDS)
        self.lin = nn.ModuleList(nn.Embedding(s, 1) for s in FIELDS)
        for e in self.emb:
            nn.init.normal_(e.weight, std=0.05)
        for e in self.lin:
            nn.init.zeros_(e.weight)
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        v = torch.stack([e(x[:, i]) for i, e in enumerate(self.emb)])
        fm = 0.5 * (v.sum(0).pow(2) - v.pow(2).sum(0)).sum(1)
        return self.bias + fm + sum(e(x[:, i]) for i, e in enumerate(self.lin)).squeeze(1)


class Job:
    """One slot on the queue: a few epochs, then a checkpoint."""

    def __init__(self, data, batch=100, lr=0.1):
        self.x, self.y, self.xv, self.yv = data
        self.batch, self.lr = batch, lr
        self.model = ClickNet()
        self.epoch = 0
        self.configure()

    def configure(self):
        self.opt = torch.optim.Adagrad(self.model.parameters(), lr=self.lr)

    def save(self, path):
        torch.save({"model": self.model.state_dict(), "opt": self.opt.state_dict(), "epoch": self.epoch}, path)

    def load(self, path):
        state = torch.load(path)
        self.model.load_state_dict(state["model"])
        self.opt.load_state_dict(state["opt"])
        self.epoch = state["epoch"]

    def run(self, ckpt, epochs=1):
        if ckpt.exists():
            self.load(ckpt)
        self.configure()
        for _ in range(epochs):
            loss = self.one_epoch()
            self.epoch += 1
            print(f"epoch {self.epoch:2d}  loss {loss:.4f}  ", "AUC %.4f  logloss %.4f" % self.evaluate())
        self.save(ckpt)

    def one_epoch(self):
        self.model.train()
        total = 0.0
        order = torch.randperm(len(self.y), generator=torch.Generator().manual_seed(100 + self.epoch))
        for idx in order.split(self.batch):
            loss = F.binary_cross_entropy_with_logits(self.model(self.x[idx]), self.y[idx])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            total += loss.item() * len(idx)
        return total / len(self.y)

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        out = self.model(self.xv)
        return roc_auc_score(self.yv, out), F.binary_cross_entropy_with_logits(out, self.yv).item()


if __name__ == "__main__":
    torch.manual_seed(9)
    x, y = impressions(50000, seed=9)
    data = x[:40000], y[:40000], x[40000:], y[40000:]
    with tempfile.TemporaryDirectory() as folder:
        ckpt = pathlib.Path(folder) / "click.pt"
        for slot in range(8):
            Job(data).run(ckpt)

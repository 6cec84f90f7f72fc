# bug: the online branch is under no_grad along with the target branch; only the predictor learns
# expects: LOS006 MOD011
"""Bootstrap-your-own-latent on tabular rows, then a linear probe."""
import copy
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import nn


@dataclass
class Conf:
    epochs: int = 10
    batch: int = 70
    lr: float = 2e-3
    tau: float = 0.98
    dim: int = 16


def view(x):
    keep = (torch.rand_like(x) > 0.25).float()
    return x * keep + 0.05 * torch.randn_like(x)


def encoder(dim):
    return nn.Sequential(nn.Linear(64, 96), nn.BatchNorm1d(96), nn.ReLU(), nn.Linear(96, dim))


class BYOL(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.online = encoder(c.dim)
        self.predictor = nn.Sequential(nn.Linear(c.dim, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, c.dim))
        self.target = copy.deepcopy(self.online).requires_grad_(False)
        self.tau = c.tau

    def forward(self, a, b):
        with torch.no_grad():
            oa, ob = self.online(a), self.online(b)
            ta, tb = self.target(a), self.target(b)
        pa, pb = self.predictor(oa), self.predictor(ob)
        return 2 - F.cosine_similarity(pa, tb).mean() - F.cosine_similarity(pb, ta).mean()

    @torch.no_grad()
    def move_target(self):
        for t, o in zip(self.target.parameters(), self.online.parameters()):
            t.lerp_(o, 1 - self.tau)


def probe(model, x, y, xt, yt):
    model.eval()
    with torch.no_grad():
        z, zt = model.online(x).numpy(), model.online(xt).numpy()
    model.train()
    return LogisticRegression(max_iter=300).fit(z, y).score(zt, yt)


def main(c):
    torch.manual_seed(0)
    d = load_digits()
    x, y = torch.tensor(d.data / 16, dtype=torch.float32), d.target
    x, xt, y, yt = x[:1400], x[1400:], y[:1400], y[1400:]
    model = BYOL(c)
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=c.lr, weight_decay=1e-3)
    for epoch in range(c.epochs):
        total = 0.0
        for idx in torch.randperm(len(x)).split(c.batch):
            loss = model(view(x[idx]), view(x[idx]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            model.move_target()
            total += loss.item() / (len(x) // c.batch)
        if epoch % 3 == 0 or epoch == c.epochs - 1:
            print(f"epoch {epoch}: loss {total:.4f} linear probe {probe(model, x, y, xt, yt):.4f}")


if __name__ == "__main__":
    main(Conf())

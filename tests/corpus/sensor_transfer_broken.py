# expects: OPT038 TRN013
# A digit reader trained on the old scanner is adapted to a new scanner (smeared, noisy, few labels).
# The adapted reader has to go on serving the old scanner as well, so both are scored.
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

CFG = dict(
    seed=11,
    pretrain=dict(epochs=25, lr=2e-3, batch=64),
    finetune=dict(epochs=30, head_lr=1.5e-2, body_lr=2e-4, batch=20, labels_per_class=10),
)


class Reader(nn.Module):
    def __init__(self, n_out=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 48, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(48 * 4, 64), nn.ReLU(),
        )
        self.head = nn.Linear(64, n_out)

    def forward(self, x):
        return self.head(self.features(x))


def new_scanner(x, rng):
    """Slight horizontal smear, lower contrast and sensor noise."""
    smear = 0.5 * x + 0.5 * np.roll(x, 1, axis=-1)
    return (0.6 * smear + 0.25 + rng.normal(0, 0.05, x.shape)).astype(np.float32)


def load(cfg):
    rng = np.random.default_rng(cfg["seed"])
    x, y = load_digits(return_X_y=True)
    x = (x / 16.0).astype(np.float32).reshape(-1, 1, 8, 8)
    xtr, xte, ytr, yte = train_test_split(x, y, test_size=0.3, stratify=y, random_state=cfg["seed"])
    xold, xnew, yold, ynew = train_test_split(xtr, ytr, test_size=0.3, stratify=ytr, random_state=1)
    k = cfg["finetune"]["labels_per_class"]
    few = np.concatenate([np.flatnonzero(ynew == c)[:k] for c in range(10)])
    t = torch.from_numpy
    return dict(
        old=(t(xold), t(yold)),
        new=(t(new_scanner(xnew[few], rng)), t(ynew[few])),
        test_old=(t(xte), t(yte)),
        test_new=(t(new_scanner(xte, rng)), t(yte)),
    )


def score(model, xy):
    model.eval()
    with torch.no_grad():
        return (model(xy[0]).argmax(1) == xy[1]).float().mean().item()


def fit(model, opt, xy, epochs, batch, report, every):
    x, y = xy
    for ep in range(1, epochs + 1):
        model.train()
        losses = []
        for idx in torch.randperm(len(x)).split(batch):
            loss = F.cross_entropy(model(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        if ep % every == 0:
            print(f"  epoch {ep:3d}  loss {np.mean(losses):.4f}  " + report())


def finetune_groups(model, cfg):
    body, head = [], []
    for name, p in model.named_parameters():
        (body if name.startswith("feature.") else head).append(p)
    return [dict(params=body, lr=cfg["body_lr"]), dict(params=head, lr=cfg["head_lr"])]


def main(cfg):
    torch.manual_seed(cfg["seed"])
    data = load(cfg)
    model = Reader()

    print("pre-training on the old scanner")
    pc = cfg["pretrain"]
    fit(model, torch.optim.Adam(model.parameters(), lr=pc["lr"]), data["old"], pc["epochs"], pc["batch"],
        lambda: f"old scanner {score(model, data['test_old']):.3f}", 5)
    print(f"before adaptation: old {score(model, data['test_old']):.3f}  new {score(model, data['test_new']):.3f}")

    print("adapting to the new scanner")
    fc = cfg["finetune"]
    opt = torch.optim.Adam(finetune_groups(model, fc))
    fit(model, opt, data["new"], fc["epochs"], fc["batch"],
        lambda: f"old {score(model, data['test_old']):.3f}  new {score(model, data['test_new']):.3f}", 10)
    print(f"after adaptation: old {score(model, data['test_old']):.3f}  new {score(model, data['test_new']):.3f}")


main(CFG)

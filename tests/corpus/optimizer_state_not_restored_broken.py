# bug: on resuming, only the weights are loaded; Adam and the warm-up schedule start anew in each epoch
# expects: OPT033 OPT016 OPT026
import io
import math

import torch
import torch.nn as nn
from sklearn.datasets import make_classification


def make_task():
    x, y = make_classification(3000, 24, n_informative=12, n_redundant=4, n_classes=5, n_clusters_per_class=2,
                               class_sep=1.6, flip_y=0.01, random_state=7)
    x = torch.tensor(x, dtype=torch.float32)
    x = (x - x[:2400].mean(0)) / x[:2400].std(0)
    y = torch.tensor(y)
    return (x[:2400], y[:2400]), (x[2400:], y[2400:])


def fresh():
    model = nn.Sequential(nn.Linear(24, 96), nn.ReLU(), nn.Linear(96, 48), nn.ReLU(), nn.Linear(48, 5))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    warm, total = 40, 8 * 30

    def shape(k):
        if k < warm:
            return 1e-3 + (k / warm) ** 3
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (k - warm) / (total - warm))))

    return model, optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, shape)


def one_job(blob, epoch, train):
    """The cluster gives us a job per epoch; every job picks up where the last one stopped."""
    model, optimizer, scheduler = fresh()
    if blob is not None:
        state = torch.load(io.BytesIO(blob))
        model.load_state_dict(state["model"])
    x, y = train
    g = torch.Generator().manual_seed(epoch)
    model.train()
    total = 0.0
    for rows in torch.randperm(len(x), generator=g).split(80):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item()
    out = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}, out)
    return out.getvalue(), total / 30, optimizer.param_groups[0]["lr"]


def validate(blob, val):
    model, _, _ = fresh()
    model.load_state_dict(torch.load(io.BytesIO(blob))["model"])
    model.eval()
    with torch.no_grad():
        logits = model(val[0])
    return (logits.argmax(1) == val[1]).float().mean().item(), nn.functional.cross_entropy(logits, val[1]).item()


if __name__ == "__main__":
    torch.manual_seed(70)
    train, val = make_task()
    ckpt = None
    for epoch in range(8):
        ckpt, loss, lr = one_job(ckpt, epoch, train)
        acc, nll = validate(ckpt, val)
        print(f"job {epoch}: loss {loss:.4f} val acc {acc:.4f} val nll {nll:.4f} lr now {lr:.5f}")

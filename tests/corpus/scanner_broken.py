# expects: NUM006
"""Pretrain a digit classifier on clean scans, ship the checkpoint in compact form, then adapt it to a new scanner."""
import io
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

CFG = {"hidden": 128, "pre_lr": 1e-3, "pre_epochs": 15, "ft_lr": 8e-5, "ft_epochs": 60, "batch": 32, "seed": 0}


def build(cfg):
    h = cfg["hidden"]
    return nn.Sequential(nn.Linear(64, h), nn.GELU(), nn.LayerNorm(h), nn.Linear(h, h), nn.GELU(),
                         nn.LayerNorm(h), nn.Linear(h, 10))


def new_scanner(x):
    """The new device mirrors its pages and has uneven illumination."""
    img = x.view(-1, 8, 8).flip(2)
    return (img * torch.linspace(0.5, 1.2, 8)[:, None]).reshape(-1, 64)


def batches(x, y, size):
    for idx in torch.randperm(len(x)).split(size):
        yield x[idx], y[idx]


def fit(model, data, valid, lr, epochs, cfg, tag):
    opt = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    for ep in range(epochs):
        model.train()
        tot = n = 0
        for xb, yb in batches(*data, cfg["batch"]):
            opt.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(xb)
            loss = F.cross_entropy(logits.float(), yb)
            loss.backward()
            opt.step()
            tot += loss.item() * len(yb)
            n += len(yb)
        if (ep + 1) % 5 == 0:
            print(f"[{tag}] epoch {ep + 1:3d} loss {tot / n:.4f} val acc {score(model, *valid):.4f}")


@torch.no_grad()
def score(model, x, y):
    model.eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return (model(x).argmax(1) == y).float().mean().item()


def pack(model):
    """Half the size on disk."""
    buf = io.BytesIO()
    torch.save({k: v.to(torch.bfloat16) for k, v in model.state_dict().items()}, buf)
    return buf.getvalue()


def unpack(blob, cfg):
    state = torch.load(io.BytesIO(blob), weights_only=True)
    model = build(cfg)
    model.load_state_dict(state, assign=True)
    return model


def main(cfg):
    torch.manual_seed(cfg["seed"])
    digits = load_digits()
    x = torch.tensor(digits.data / 16.0, dtype=torch.float32)
    y = torch.tensor(digits.target)
    a, b = train_test_split(range(len(x)), test_size=0.6, random_state=0, stratify=y)
    b, v = train_test_split(b, test_size=0.4, random_state=0, stratify=y[b])
    a, b, v = map(torch.tensor, (a, b, v))
    mean, std = x[a].mean(), x[a].std()
    clean = (x - mean) / std
    shifted = (new_scanner(x) - mean) / std

    base = build(cfg)
    fit(base, (clean[a], y[a]), (clean[v], y[v]), cfg["pre_lr"], cfg["pre_epochs"], cfg, "pretrain")
    blob = pack(base)
    print(f"checkpoint {len(blob) / 1024:.0f} KiB")

    model = unpack(blob, cfg)
    print(f"new scanner before adaptation: val acc {score(model, shifted[v], y[v]):.4f}")
    fit(model, (shifted[b], y[b]), (shifted[v], y[v]), cfg["ft_lr"], cfg["ft_epochs"], cfg, "adapt")
    print(f"final val acc {score(model, shifted[v], y[v]):.4f}")


main(CFG)

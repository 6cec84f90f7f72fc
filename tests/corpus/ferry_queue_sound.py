# expects: nothing
"""Small transformer that tells which of two ferries boards first, from the log of gate events."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import LambdaLR

cfg = {
    "vocab": 24, "length": 16, "dim": 32, "heads": 4, "layers": 2,
    "train": 2400, "valid": 800, "batch": 80, "epochs": 11,
    "lr": 3e-3, "warmup": 150, "seed": 7,
}
FERRY_A, FERRY_B = 1, 2


def event_logs(n, cfg, gen):
    """Token 1 and token 2 occur once each; the label tells whether 1 came before 2."""
    logs = torch.randint(3, cfg["vocab"], (n, cfg["length"]), generator=gen)
    places = torch.rand(n, cfg["length"], generator=gen).argsort(1)[:, :2]
    rows = torch.arange(n)
    logs[rows, places[:, 0]] = FERRY_A
    logs[rows, places[:, 1]] = FERRY_B
    return logs, (places[:, 0] < places[:, 1]).long()


class GateModel(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        d = cfg["dim"]
        self.tok = nn.Embedding(cfg["vocab"], d)
        self.pos = nn.Parameter(torch.randn(1, cfg["length"], d) * 0.3)
        layer = nn.TransformerEncoderLayer(d, cfg["heads"], 2 * d, dropout=0.1, batch_first=True, norm_first=True)
        self.enc = nn.TransformerEncoder(layer, cfg["layers"], enable_nested_tensor=False)
        self.norm = nn.LayerNorm(d)
        self.out = nn.Linear(d, 2)

    def forward(self, ids):
        h = self.enc(self.tok(ids) + self.pos)
        return self.out(self.norm(h.mean(1)))


def warmup_then_decay(opt, warmup, total):
    def factor(step):
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))
    return LambdaLR(opt, factor)


def train_epoch(model, data, opt, sched, batch):
    x, y = data
    model.train()
    total = 0.0
    for idx in torch.randperm(len(x)).split(batch):
        loss = F.cross_entropy(model(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        total += loss.item() * len(idx)
    return total / len(x)


@torch.inference_mode()
def accuracy(model, data):
    x, y = data
    model.eval()
    return (model(x).argmax(1) == y).float().mean().item()


def run(cfg):
    torch.manual_seed(cfg["seed"])
    gen = torch.Generator().manual_seed(cfg["seed"])
    train = event_logs(cfg["train"], cfg, gen)
    valid = event_logs(cfg["valid"], cfg, gen)
    model = GateModel(cfg)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg["lr"], weight_decay=0.01)
    steps = math.ceil(cfg["train"] / cfg["batch"]) * cfg["epochs"]
    sched = warmup_then_decay(opt, cfg["warmup"], steps)
    for epoch in range(cfg["epochs"]):
        loss = train_epoch(model, train, opt, sched, cfg["batch"])
        print(f"epoch {epoch:2d} loss {loss:.4f} valid accuracy {accuracy(model, valid):.4f}")


run(cfg)

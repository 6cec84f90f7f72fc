# expects: nothing
import math
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

config = {
    "patch": 2,
    "dim": 48,
    "heads": 4,
    "layers": 3,
    "dropout": 0.1,
    "batch": 64,
    "epochs": 30,
    "peak_lr": 2e-3,
    "warmup": 60,
    "weight_decay": 0.02,
    "seed": 1234,
}


class PatchTransformer(nn.Module):
    def __init__(self, patch, dim, heads, layers, dropout):
        super().__init__()
        self.patch = patch
        n = (8 // patch) ** 2
        self.embed = nn.Linear(patch * patch, dim)
        self.cls = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos = nn.Parameter(torch.randn(1, n + 1, dim) * 0.02)
        layer = nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout, activation="gelu",
                                           batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(dim), enable_nested_tensor=False)
        self.fc = nn.Linear(dim, 10)

    def forward(self, img):
        p = self.patch
        x = img.unfold(1, p, p).unfold(2, p, p).reshape(len(img), -1, p * p)
        x = torch.cat([self.cls.expand(len(img), -1, -1), self.embed(x)], 1) + self.pos
        return self.fc(self.encoder(x)[:, 0])


def make_schedule(optimizer, cfg, total):
    def lr_at(step):
        if step < cfg["warmup"]:
            return (step + 1) / cfg["warmup"]
        frac = (step - cfg["warmup"]) / max(1, total - cfg["warmup"])
        return 0.5 * (1 + math.cos(math.pi * frac))
    return LambdaLR(optimizer, lr_at)


def load(cfg):
    d = load_digits()
    xtr, xva, ytr, yva = train_test_split(d.images, d.target, test_size=0.25, stratify=d.target,
                                          random_state=cfg["seed"])
    mean, std = xtr.mean(), xtr.std()
    f = lambda a: torch.tensor((a - mean) / std, dtype=torch.float32)
    return f(xtr), torch.tensor(ytr), f(xva), torch.tensor(yva)


def validate(net, x, y):
    net.eval()
    with torch.no_grad():
        out = net(x)
    return nn.functional.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def train(cfg):
    torch.manual_seed(cfg["seed"])
    xtr, ytr, xva, yva = load(cfg)
    net = PatchTransformer(cfg["patch"], cfg["dim"], cfg["heads"], cfg["layers"], cfg["dropout"])
    optimizer = torch.optim.AdamW(net.parameters(), lr=cfg["peak_lr"], weight_decay=cfg["weight_decay"])
    steps_per_epoch = math.ceil(len(xtr) / cfg["batch"])
    scheduler = make_schedule(optimizer, cfg, cfg["epochs"] * steps_per_epoch)
    for epoch in range(cfg["epochs"]):
        net.train()
        seen = 0.0
        for idx in torch.randperm(len(xtr)).split(cfg["batch"]):
            loss = nn.functional.cross_entropy(net(xtr[idx]), ytr[idx])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            seen += loss.item() * len(idx)
        vl, va = validate(net, xva, yva)
        print(f"[{epoch + 1:02d}/{cfg['epochs']}] train {seen / len(xtr):.4f} val {vl:.4f} acc {va:.4f}")
    return va


if __name__ == "__main__":
    train(config)

# bug: the encoder runs without gradients
# expects: LOS006
"""Read a strip of three handwritten digits and name the highest of them (score-card toy).

A small conv encoder turns each image into a short code; a GRU reads the codes of the strip.
"""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

CFG = dict(strip=3, code=10, hidden=48, epochs=12, batch=64, lr=2e-3, chunk=96, seed=5, n_train=4000, n_valid=1000)


class GlyphEncoder(nn.Module):
    def __init__(self, code):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.2), nn.Linear(24 * 4, code), nn.Tanh())

    def forward(self, x):
        return self.body(x)


class StripReader(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.chunk = cfg["chunk"]
        self.encoder = GlyphEncoder(cfg["code"])
        self.rnn = nn.GRU(cfg["code"], cfg["hidden"], batch_first=True)
        self.head = nn.Linear(cfg["hidden"], 10)

    def encode_strip(self, strips):
        b, s = strips.shape[:2]
        flat = strips.reshape(b * s, 1, 8, 8)
        with torch.no_grad():
            codes = [self.encoder(part) for part in flat.split(self.chunk)]
        return torch.cat(codes).reshape(b, s, -1)

    def forward(self, strips):
        codes = self.encode_strip(strips)
        _, last = self.rnn(codes)
        return self.head(last[0])


def build_strips(images, labels, n, strip, rng):
    pick = rng.integers(0, len(images), (n, strip))
    return torch.tensor(images[pick]), torch.tensor(labels[pick].max(1))


class Trainer:
    def __init__(self, cfg):
        self.cfg = cfg
        torch.manual_seed(cfg["seed"])
        rng = np.random.default_rng(cfg["seed"])
        d = load_digits()
        images = (d.images / 16.0 - 0.3).astype(np.float32)
        perm = rng.permutation(len(images))
        a, b = perm[:1300], perm[1300:]
        self.rng, self.pool = rng, (images[a], d.target[a])
        self.valid = build_strips(images[b], d.target[b], cfg["n_valid"], cfg["strip"], rng)
        self.model = StripReader(cfg)
        self.opt = torch.optim.Adam(self.model.parameters(), lr=cfg["lr"])
        steps = cfg["epochs"] * (cfg["n_train"] // cfg["batch"])
        self.sched = torch.optim.lr_scheduler.OneCycleLR(self.opt, max_lr=cfg["lr"] * 2, total_steps=steps)

    def epoch(self):
        self.model.train()
        x, y = build_strips(*self.pool, self.cfg["n_train"], self.cfg["strip"], self.rng)
        order = torch.randperm(len(x))
        losses = []
        for i in range(0, len(x) - self.cfg["batch"] + 1, self.cfg["batch"]):
            j = order[i:i + self.cfg["batch"]]
            loss = nn.functional.cross_entropy(self.model(x[j]), y[j])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            self.sched.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        x, y = self.valid
        out = torch.cat([self.model(c) for c in x.split(250)])
        loss = nn.functional.cross_entropy(out, y).item()
        return loss, (out.argmax(1) == y).float().mean().item()

    def fit(self):
        for e in range(1, self.cfg["epochs"] + 1):
            loss = self.epoch()
            vloss, acc = self.evaluate()
            print(f"[{e:02d}] loss={loss:.4f} valid_loss={vloss:.4f} valid_acc={acc:.3f}")


if __name__ == "__main__":
    Trainer(CFG).fit()

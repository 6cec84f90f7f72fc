# expects: LLM019
"""Risk class of a hospital stay from a variable number of (heart rate, pressure, saturation) readings."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

CFG = {"dim": 32, "heads": 4, "layers": 1, "lr": 2e-3, "epochs": 12, "batch": 32, "seed": 17}


class Stays(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.items = []
        for _ in range(n):
            length = int(np.clip(rng.geometric(1 / 14), 4, 80))
            level = rng.normal(0, 0.8, 3)
            drift = rng.normal(0, 1.2)
            t = np.linspace(-0.5, 0.5, length)
            r = level + rng.normal(0, 0.7, (length, 3))
            r[:, 0] += drift * t
            score = r.mean(0) @ [1.0, -0.8, -0.6]
            label = int(np.digitize(score, [-0.7, 0.0, 0.7]))
            self.items.append((torch.tensor(r, dtype=torch.float32), label))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(batch):
    readings, labels = zip(*batch)
    lengths = torch.tensor([len(r) for r in readings])
    padded = pad_sequence(readings, batch_first=True)
    present = torch.arange(padded.shape[1])[None] < lengths[:, None]
    return padded, present, torch.tensor(labels)


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, mask):
        b, n, d = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        mask = mask[:, None, None, :].to(q.dtype)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.proj(y.transpose(1, 2).reshape(b, n, d))


class Layer(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = Attention(dim, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x, mask):
        x = x + self.attention(self.norm1(x), mask)
        return x + self.mlp(self.norm2(x))


class StayClassifier(nn.Module):
    def __init__(self, cfg, n_in=3, n_out=4):
        super().__init__()
        self.enter = nn.Linear(n_in, cfg["dim"])
        self.cls = nn.Parameter(torch.randn(1, 1, cfg["dim"]) * 0.02)
        self.layers = nn.ModuleList([Layer(cfg["dim"], cfg["heads"]) for _ in range(cfg["layers"])])
        self.norm = nn.LayerNorm(cfg["dim"])
        self.head = nn.Linear(cfg["dim"], n_out)

    def forward(self, readings, present):
        b = len(readings)
        x = torch.cat([self.cls.expand(b, -1, -1), self.enter(readings)], 1)
        mask = F.pad(present, (1, 0), value=True)
        for layer in self.layers:
            x = layer(x, mask)
        return self.head(self.norm(x[:, 0]))


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    loss = hits = n = 0
    for readings, present, labels in loader:
        logits = model(readings, present)
        loss += F.cross_entropy(logits, labels, reduction="sum").item()
        hits += (logits.argmax(1) == labels).sum().item()
        n += len(labels)
    return loss / n, hits / n


def main(cfg):
    torch.manual_seed(cfg["seed"])
    train = DataLoader(Stays(2400, 1), batch_size=cfg["batch"], shuffle=True, collate_fn=collate)
    valid = DataLoader(Stays(800, 2), batch_size=200, collate_fn=collate)
    model = StayClassifier(cfg)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg["lr"], weight_decay=0.01)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, cfg["epochs"])
    for epoch in range(cfg["epochs"]):
        model.train()
        total = 0.0
        for readings, present, labels in train:
            loss = F.cross_entropy(model(readings, present), labels)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        sched.step()
        vl, va = evaluate(model, valid)
        print(f"epoch {epoch + 1:2d} train loss {total / len(train):.4f} valid loss {vl:.4f} valid acc {va:.4f}")


if __name__ == "__main__":
    main(CFG)

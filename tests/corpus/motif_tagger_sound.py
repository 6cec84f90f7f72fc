# expects: nothing
import math
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

# which of six melodic motifs is hidden in a bar of 32 notes
NOTES, BAR, MOTIFS = 12, 32, 6
cfg = dict(dim=48, heads=4, layers=2, peak=2e-3, warmup=150, epochs=16, batch=64, seed=13)


def make_bars(n, gen, motifs):
    bars = torch.randint(NOTES, (n, BAR), generator=gen)
    label = torch.randint(MOTIFS, (n,), generator=gen)
    start = torch.randint(BAR - 4, (n,), generator=gen)
    for i in range(n):
        bars[i, start[i]:start[i] + 5] = motifs[label[i]]
    return bars, label


class Tagger(nn.Module):
    def __init__(self, dim, heads, layers):
        super().__init__()
        self.note = nn.Embedding(NOTES, dim)
        self.place = nn.Parameter(0.02 * torch.randn(BAR, dim))
        self.near = nn.Conv1d(dim, dim, 3, padding=1)
        layer = nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout=0.1, batch_first=True,
                                           norm_first=True)
        self.enc = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(dim)
        self.out = nn.Linear(dim, MOTIFS)

    def forward(self, bars):
        h = self.note(bars) + self.place
        h = h + self.near(h.transpose(1, 2)).transpose(1, 2)
        return self.out(self.norm(self.enc(h)).mean(1))


def lr_at(step, total):
    if step < cfg["warmup"]:
        return cfg["peak"] * (step + 1) / cfg["warmup"]
    done = (step - cfg["warmup"]) / max(1, total - cfg["warmup"])
    return cfg["peak"] * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


def accuracy(model, bars, label):
    model.eval()
    with torch.no_grad():
        hits = sum((model(b).argmax(1) == l).sum().item() for b, l in zip(bars.split(500), label.split(500)))
    return hits / len(label)


gen = torch.Generator().manual_seed(cfg["seed"])
torch.manual_seed(cfg["seed"])
motifs = torch.stack([torch.randperm(NOTES, generator=gen)[:5] for _ in range(MOTIFS)])
train_x, train_y = make_bars(1280, gen, motifs)
test_x, test_y = make_bars(1000, gen, motifs)

model = Tagger(cfg["dim"], cfg["heads"], cfg["layers"])
opt = torch.optim.AdamW(model.parameters(), lr=cfg["peak"], betas=(0.9, 0.98), weight_decay=0.05)
steps_per_epoch = math.ceil(len(train_x) / cfg["batch"])
total_steps = cfg["epochs"] * steps_per_epoch

began = time.time()
for epoch in range(cfg["epochs"]):
    model.train()
    sum_loss = 0.0
    for i, idx in enumerate(torch.randperm(len(train_x)).split(cfg["batch"])):
        for group in opt.param_groups:
            group["lr"] = lr_at(epoch * steps_per_epoch + i, total_steps)
        loss = F.cross_entropy(model(train_x[idx]), train_y[idx])
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        sum_loss += loss.item()
    if epoch % 2 == 1:
        print(f"epoch {epoch + 1} loss {sum_loss / steps_per_epoch:.4f} "
              f"test acc {accuracy(model, test_x, test_y):.4f} ({time.time() - began:.0f}s)")

# expects: MOD020
# Digits read row by row, as a line scanner delivers them, with a small transformer.
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(3)

images, labels = load_digits(return_X_y=True)
x_tr, x_te, y_tr, y_te = train_test_split(images, labels, test_size=0.25, stratify=labels, random_state=3)
x_tr = torch.tensor(x_tr / 16.0, dtype=torch.float32).view(-1, 16, 4)   # 16 half rows of 4 pixels
x_te = torch.tensor(x_te / 16.0, dtype=torch.float32).view(-1, 16, 4)
y_tr, y_te = torch.tensor(y_tr), torch.tensor(y_te)


class RowEncoder(nn.Module):
    """The number of segments is not known before the first batch, so the position table is built then."""

    def __init__(self, seg, d=48, heads=4, layers=2, classes=10):
        super().__init__()
        self.d = d
        self.inp = nn.Linear(seg, d)
        layer = nn.TransformerEncoderLayer(d, heads, 2 * d, dropout=0.1, batch_first=True, norm_first=True)
        self.enc = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(d)
        self.out = nn.Linear(d, classes)
        self.pos = None

    def _positions(self, x):
        length = x.shape[1]
        if self.pos is None or self.pos.shape[0] != length:
            self.pos = nn.Parameter(torch.randn(1, length, self.d, device=x.device) / math.sqrt(self.d))
        return self.pos

    def forward(self, x):
        h = self.inp(x)
        h = h + self._positions(h)
        h = self.enc(h)
        return self.out(self.norm(h.mean(dim=1)))


net = RowEncoder(seg=4)
with torch.no_grad():
    net(x_tr[:2])   # builds the position table, so that the optimizer gets it
n_par = sum(p.numel() for p in net.parameters())
print(f"{n_par} parameters, {len(x_tr)} training and {len(x_te)} test images")

EPOCHS, BATCH = 20, 64
opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-4)
steps = EPOCHS * math.ceil(len(x_tr) / BATCH)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=2e-3, total_steps=steps)


@torch.no_grad()
def accuracy(x, y):
    net.eval()
    hits = sum((net(xb).argmax(1) == yb).sum().item() for xb, yb in zip(x.split(128), y.split(128)))
    return hits / len(y)


for ep in range(1, EPOCHS + 1):
    net.train()
    run = 0.0
    for idx in torch.randperm(len(x_tr)).split(BATCH):
        loss = F.cross_entropy(net(x_tr[idx]), y_tr[idx])
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        sched.step()
        run += loss.item() * len(idx)
    if ep % 4 == 0:
        print(f"[{ep:02d}] loss {run / len(x_tr):.4f}   test acc {accuracy(x_te, y_te):.4f}")

print("test accuracy %.4f" % accuracy(x_te, y_te))

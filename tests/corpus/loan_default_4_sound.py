# expects: nothing
# TPS-style tabular comp, single fold NN w/ EMA. CV metric = AUC
import math
import numpy as np, pandas as pd
import torch, torch.nn as nn, torch.nn.functional as F
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

class CFG:
    seed = 777
    n_rows = 20000
    n_cat, n_num = 6, 14
    epochs = 14
    bs = 256
    lr = 2e-3
    ema_decay = 0.995
    fold = 0

torch.manual_seed(CFG.seed)
rng = np.random.default_rng(CFG.seed)

# ---- "train.csv" ----
num = rng.normal(size=(CFG.n_rows, CFG.n_num))
card = [12, 30, 5, 60, 8, 20]
cat = np.stack([rng.integers(0, c, CFG.n_rows) for c in card], 1)
effects = [rng.normal(0, 0.7, c) for c in card]
score = sum(e[cat[:, j]] for j, e in enumerate(effects))
score = score + 1.2 * num[:, 0] * num[:, 1] + np.sin(2 * num[:, 2]) * 1.3 - 0.9 * np.abs(num[:, 3]) \
    + 0.8 * num[:, 4] * (cat[:, 2] > 2) + 0.6 * num[:, 5]
score = score - score.mean() - 1.0
y = (rng.random(CFG.n_rows) < 1 / (1 + np.exp(-1.6 * score))).astype(np.float32)
df = pd.DataFrame(num, columns=[f"n{i}" for i in range(CFG.n_num)])
for j in range(CFG.n_cat):
    df[f"c{j}"] = cat[:, j]
df["target"] = y
num_cols = [c for c in df if c.startswith("n")]
cat_cols = [c for c in df if c.startswith("c")]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embs = nn.ModuleList([nn.Embedding(c, min(16, c // 2 + 1)) for c in card])
        d = sum(e.embedding_dim for e in self.embs) + CFG.n_num
        self.mlp = nn.Sequential(
            nn.Linear(d, 128), nn.SiLU(), nn.Dropout(0.1),
            nn.Linear(128, 64), nn.SiLU(), nn.Dropout(0.1),
            nn.Linear(64, 1))

    def forward(self, xn, xc):
        e = [emb(xc[:, j]) for j, emb in enumerate(self.embs)]
        return self.mlp(torch.cat(e + [xn], 1)).squeeze(1)


class EMA:
    def __init__(self, model, decay):
        self.decay = decay
        self.shadow = {n: p.detach().clone() for n, p in model.named_parameters()}
        self.backup = {}

    def update(self, model):
        for n, p in model.named_parameters():
            self.shadow[n].lerp_(p.detach(), 1 - self.decay)

    def apply(self, model):
        for n, p in model.named_parameters():
            self.backup[n] = p.detach().clone()
            p.data.copy_(self.shadow[n])

    def restore(self, model):
        for n, p in model.named_parameters():
            p.data.copy_(self.backup[n])


def predict(model, xn, xc):
    model.eval()
    with torch.no_grad():
        return torch.cat([model(a, b) for a, b in zip(xn.split(2048), xc.split(2048))]).sigmoid().numpy()


def validate(model, ema, xn, xc, yv):
    ema.apply(model)
    p = predict(model, xn, xc)
    ema.restore(model)
    return roc_auc_score(yv, p)


skf = StratifiedKFold(5, shuffle=True, random_state=CFG.seed)
tr, va = list(skf.split(df, df.target))[CFG.fold]
mu, sd = df.loc[tr, num_cols].mean(), df.loc[tr, num_cols].std()
xn = torch.tensor(((df[num_cols] - mu) / sd).values, dtype=torch.float32)
xc = torch.tensor(df[cat_cols].values)
yt = torch.tensor(df.target.values)

model = Net()
ema = EMA(model, CFG.ema_decay)
opt = torch.optim.AdamW(model.parameters(), lr=CFG.lr, weight_decay=1e-2)
steps_per_epoch = math.ceil(len(tr) / CFG.bs)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, CFG.lr, total_steps=CFG.epochs * steps_per_epoch)
trt = torch.tensor(tr)
for ep in range(CFG.epochs):
    model.train()
    tl = 0.
    for idx in trt[torch.randperm(len(trt))].split(CFG.bs):
        loss = F.binary_cross_entropy_with_logits(model(xn[idx], xc[idx]), yt[idx])
        opt.zero_grad(); loss.backward(); opt.step(); sched.step()
        ema.update(model)
        tl += loss.item() / steps_per_epoch
    print(f"ep {ep:02d} trn_loss {tl:.4f} val_auc {validate(model, ema, xn[va], xc[va], yt[va].numpy()):.5f}")

ema.apply(model)
print(f"FOLD {CFG.fold} AUC {roc_auc_score(yt[va].numpy(), predict(model, xn[va], xc[va])):.5f}")

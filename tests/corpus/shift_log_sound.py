# expects: nothing
"""Machine shift logs -> quality score. Event sequences of 4 to 90 codes, conv encoder, pooled read-out."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SEED, VOCAB, MAXLEN, PAD = 4, 40, 90, 0
torch.manual_seed(SEED)
rng = np.random.default_rng(SEED)


def make_logs(n):
    effect = rng.normal(size=VOCAB)
    pair = rng.normal(scale=0.7, size=(VOCAB // 8, VOCAB // 8))
    ids = np.full((n, MAXLEN), PAD, dtype=np.int64)
    score = np.zeros(n, dtype=np.float32)
    for i in range(n):
        length = int(np.exp(rng.uniform(np.log(4), np.log(MAXLEN))))
        tilt = rng.normal(scale=0.8) * effect[1:]
        p = np.exp(tilt) / np.exp(tilt).sum()
        seq = rng.choice(np.arange(1, VOCAB), size=length, p=p)
        ids[i, :length] = seq
        score[i] = effect[seq].mean() + pair[seq[:-1] // 8, seq[1:] // 8].mean() + rng.normal(scale=0.05)
    return torch.from_numpy(ids), torch.from_numpy(score)


class LogEncoder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, dim, padding_idx=PAD)
        self.conv = nn.Conv1d(dim, dim, 3, padding=1)
        self.norm = nn.LayerNorm(dim)
        self.out = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, 1))

    def forward(self, ids):
        e = self.emb(ids)
        h = e + F.relu(self.conv(e.transpose(1, 2))).transpose(1, 2)
        h = self.norm(h)
        mask = (ids != PAD).unsqueeze(-1).to(h.dtype)
        pooled = (h * mask).sum(1) / mask.sum(1)
        return self.out(pooled).squeeze(-1)


ids, score = make_logs(3600)
tr_ids, tr_y = ids[:2800], score[:2800]
va_ids, va_y = ids[2800:], score[2800:]
center, spread = tr_y.mean(), tr_y.std()
tr_t = (tr_y - center) / spread

model = LogEncoder()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
EPOCHS = 16
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, EPOCHS)


def validate():
    model.eval()
    with torch.no_grad():
        pred = torch.cat([model(b) for b in va_ids.split(200)]) * spread + center
    model.train()
    r2 = 1 - ((pred - va_y) ** 2).mean() / va_y.var(unbiased=False)
    return r2.item(), (pred - va_y).abs().mean().item()


for epoch in range(EPOCHS):
    losses = []
    for idx in torch.randperm(len(tr_ids)).split(64):
        loss = F.mse_loss(model(tr_ids[idx]), tr_t[idx])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        opt.step()
        losses.append(loss.item())
    sched.step()
    if epoch % 3 == 0 or epoch == EPOCHS - 1:
        r2, mae = validate()
        print(f"ep {epoch:2d}  loss {np.mean(losses):.4f}  val R2 {r2:.3f}  MAE {mae:.3f}")

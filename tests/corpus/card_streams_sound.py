# expects: nothing
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import average_precision_score, roc_auc_score

rng = np.random.default_rng(77)
torch.manual_seed(77)
MAX_EVENTS = 16


def card_stream(scripted):
    n = int(rng.integers(6, MAX_EVENTS + 1))
    centre = rng.uniform(35, 75)
    if scripted:
        gaps = rng.normal(centre, 0.5 * centre, n - 1).clip(3)
    else:
        gaps = rng.gamma(1.6, centre / 1.6, n - 1).clip(3)
    start = 1_700_000_000 + rng.integers(0, 30 * 86_400)
    seconds = np.concatenate([[start], start + np.cumsum(np.round(gaps))]).astype(np.int64)
    amounts = rng.lognormal(3.1 if scripted else 3.0, 0.8 if scripted else 0.9, n)
    return seconds, amounts


def build(n_cards):
    labels = (rng.random(n_cards) < 0.3).astype(np.int64)
    x = torch.zeros(n_cards, MAX_EVENTS, 2)
    mask = torch.zeros(n_cards, MAX_EVENTS, dtype=torch.bool)
    for i, scripted in enumerate(labels):
        seconds, amounts = card_stream(scripted)
        stamp = torch.from_numpy(seconds)
        gap = torch.diff(stamp, prepend=stamp[:1])
        n = len(stamp)
        x[i, :n, 0] = torch.log1p(gap.to(torch.float32))
        x[i, :n, 1] = torch.log(torch.from_numpy(amounts)).float()
        mask[i, :n] = True
    return x, mask, torch.from_numpy(labels)


class AttentionPool(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.score = nn.Linear(dim, 4)

    def forward(self, h, mask):
        w = self.score(h).masked_fill(~mask.unsqueeze(-1), float("-inf")).softmax(dim=1)
        return torch.einsum("btk,btd->bkd", w, h).flatten(1)


class StreamScorer(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Linear(2, dim)
        self.attn = nn.MultiheadAttention(dim, 4, batch_first=True)
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.ff = nn.Sequential(nn.Linear(dim, 64), nn.ReLU(), nn.Linear(64, dim))
        self.pool = AttentionPool(dim)
        self.out = nn.Linear(4 * dim, 1)

    def forward(self, x, mask):
        h = self.embed(x)
        h = self.norm1(h + self.attn(h, h, h, key_padding_mask=~mask, need_weights=False)[0])
        h = self.norm2(h + self.ff(h))
        return self.out(self.pool(h, mask)).squeeze(-1)


x, mask, y = build(4000)
n_train = 3000
real = x[:n_train][mask[:n_train]]
x = (x - real.mean(0)) / real.std(0) * mask.unsqueeze(-1)
train, test = slice(0, n_train), slice(n_train, None)

model = StreamScorer()
opt = torch.optim.NAdam(model.parameters(), lr=1.5e-3)
for epoch in range(11):
    model.train()
    losses = []
    for idx in torch.randperm(n_train).split(64):
        opt.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(x[idx], mask[idx]), y[idx].float())
        loss.backward()
        opt.step()
        losses.append(loss.item())
    if epoch % 2 == 0:
        print(f"epoch={epoch} train_bce={np.mean(losses):.4f}")

model.eval()
with torch.no_grad():
    score = torch.sigmoid(model(x[test], mask[test])).numpy()
print(f"held-out AUC={roc_auc_score(y[test], score):.4f} AP={average_precision_score(y[test], score):.4f}")

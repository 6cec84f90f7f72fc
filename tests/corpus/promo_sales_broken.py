# bug: One of the model's inputs is ignored by the model (never used in forward or multiplied away).
# expects: MOD041 MOD027
# Retail: next week's sales of an article from its last 12 weeks AND the planned promotion calendar.
import math
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader, random_split


class SalesWindows(Dataset):
    """(history [12, 1], plan [5], target)"""

    def __init__(self, n_articles=150, weeks=60, hist=12, seed=7):
        r = np.random.default_rng(seed)
        self.rows = []
        for _ in range(n_articles):
            level = r.normal(0, 0.5)
            season_phase = r.uniform(0, 2 * math.pi)
            discount = np.where(r.random(weeks) < 0.3, r.choice([0.1, 0.2, 0.3, 0.5], weeks), 0.0)
            flyer = ((discount > 0) & (r.random(weeks) < 0.5)).astype(float)
            holiday = (np.arange(weeks) % 13 == 5).astype(float)
            competitor = (r.random(weeks) < 0.2).astype(float)
            price = r.normal(0, 1, weeks) * 0.2
            ar = np.zeros(weeks)
            for w in range(1, weeks):
                ar[w] = 0.8 * ar[w - 1] + r.normal(0, 0.15)
            log_sales = (level + ar + 0.4 * np.sin(2 * math.pi * np.arange(weeks) / 26 + season_phase)
                         + 1.8 * discount + 0.6 * discount * flyer * 2 + 0.5 * holiday
                         - 0.4 * competitor - 0.5 * price + r.normal(0, 0.08, weeks))
            plan = np.stack([discount * 4, flyer, holiday, competitor, price * 4], 1)
            for w in range(hist, weeks):
                self.rows.append((torch.tensor(log_sales[w - hist:w, None], dtype=torch.float32),
                                  torch.tensor(plan[w], dtype=torch.float32),
                                  torch.tensor(log_sales[w], dtype=torch.float32)))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


class DemandNet(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.encoder = nn.GRU(1, hidden, batch_first=True)
        self.plan_net = nn.Sequential(nn.Linear(5, 32), nn.GELU(), nn.Linear(32, hidden))
        self.merge = nn.LayerNorm(hidden)
        self.regressor = nn.Sequential(nn.Linear(hidden, 32), nn.GELU(), nn.Linear(32, 1))

    def forward(self, history, plan):
        _, h = self.encoder(history)
        state = h[-1]
        effect = self.plan_net(plan)
        z = self.merge(state)
        return self.regressor(z).squeeze(-1)


def train():
    torch.manual_seed(7)
    ds = SalesWindows()
    n_val = len(ds) // 6
    tr, va = random_split(ds, [len(ds) - n_val, n_val], generator=torch.Generator().manual_seed(7))
    tr_dl = DataLoader(tr, batch_size=64, shuffle=True)
    va_dl = DataLoader(va, batch_size=256)
    model = DemandNet()
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-3)
    crit = nn.HuberLoss(delta=1.0)
    for ep in range(10):
        model.train()
        s = 0.0
        for history, plan, y in tr_dl:
            loss = crit(model(history, plan), y)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            s += loss.item() * len(y)
        model.eval()
        ps, ys = [], []
        with torch.no_grad():
            for history, plan, y in va_dl:
                ps.append(model(history, plan))
                ys.append(y)
        p, y = torch.cat(ps), torch.cat(ys)
        r2 = 1 - ((p - y) ** 2).mean() / y.var()
        print(f"epoch {ep + 1}  train huber {s / len(tr):.4f}  val MAE {(p - y).abs().mean():.4f}  val R2 {r2:.3f}")


if __name__ == "__main__":
    train()

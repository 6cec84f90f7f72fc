# expects: nothing
# Subscriber churn with categorical embeddings.
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def make_table(n=10000, seed=0):
    g = np.random.default_rng(seed)
    t = {
        "account": g.permutation(n),
        "region": g.integers(0, 20, n),
        "plan": g.integers(0, 8, n),
        "channel": g.integers(0, 5, n),
        "tenure": g.gamma(2.0, 14.0, n),
        "minutes": g.lognormal(5.0, 0.6, n),
        "tickets": g.poisson(1.2, n).astype(float),
    }
    region, plan, channel = g.normal(0, .7, 20), g.normal(0, 1.0, 8), g.normal(0, .7, 5)
    z = (region[t["region"]] + plan[t["plan"]] + channel[t["channel"]]
         - 0.8 * (np.log1p(t["tenure"]) - 3) * (1 + 0.5 * plan[t["plan"]])
         + 0.7 * (t["tickets"] - 1.2) - 0.6 * (np.log(t["minutes"]) - 5))
    churn = g.random(n) < 1 / (1 + np.exp(-1.6 * z))
    return t, churn.astype(np.float32)


class ChurnTable(Dataset):
    def __init__(self, table, label, rows, cat_cols, num_cols, stats):
        mean, std = stats
        self.cat = torch.from_numpy(np.stack([table[c][rows] for c in cat_cols], 1)).long()
        num = np.stack([np.log1p(table[c][rows]) for c in num_cols], 1)
        self.num = torch.tensor((num - mean) / std, dtype=torch.float32)
        self.y = torch.from_numpy(label[rows])

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.cat[i], self.num[i], self.y[i]


class TabNet(nn.Module):
    def __init__(self, cardinalities, n_num, width=64):
        super().__init__()
        dims = [min(16, (c + 1) // 2) for c in cardinalities]
        self.emb = nn.ModuleList([nn.Embedding(c, d) for c, d in zip(cardinalities, dims)])
        self.mlp = nn.Sequential(nn.Linear(sum(dims) + n_num, width), nn.ReLU(), nn.Dropout(0.2),
                                 nn.Linear(width, width), nn.ReLU(), nn.Dropout(0.2), nn.Linear(width, 1))

    def forward(self, cat, num):
        parts = [e(cat[:, i]) for i, e in enumerate(self.emb)] + [num]
        return self.mlp(torch.cat(parts, 1)).squeeze(1)


def run_epoch(model, loader, opt=None):
    model.train(opt is not None)
    loss_sum, hit, n = 0.0, 0, 0
    with torch.set_grad_enabled(opt is not None):
        for cat, num, y in loader:
            out = model(cat, num)
            loss = nn.functional.binary_cross_entropy_with_logits(out, y)
            if opt is not None:
                opt.zero_grad()
                loss.backward()
                opt.step()
            loss_sum += loss.item() * len(y)
            hit += ((out > 0) == (y > 0.5)).sum().item()
            n += len(y)
    return loss_sum / n, hit / n


def main(seed=6):
    torch.manual_seed(seed)
    table, churn = make_table()
    rows = np.random.default_rng(seed).permutation(len(churn))
    tr, va = rows[:7500], rows[7500:]

    cat_cols = [c for c, v in table.items() if v.dtype.kind == "i" and len(np.unique(v)) < len(v)]
    num_cols = [c for c, v in table.items() if v.dtype.kind == "f"]
    print("categorical:", cat_cols, " numeric:", num_cols)
    raw = np.stack([np.log1p(table[c][tr]) for c in num_cols], 1)
    stats = raw.mean(0), raw.std(0)

    make = lambda r: ChurnTable(table, churn, r, cat_cols, num_cols, stats)
    train = DataLoader(make(tr), batch_size=64, shuffle=True)
    valid = DataLoader(make(va), batch_size=512)

    model = TabNet([int(table[c].max()) + 1 for c in cat_cols], len(num_cols))
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    print(f"majority class: {max(churn[va].mean(), 1 - churn[va].mean()):.3f}")
    for epoch in range(1, 27):
        tl, ta = run_epoch(model, train, opt)
        vl, acc = run_epoch(model, valid)
        print(f"epoch {epoch:2d}  train {tl:.4f} / {ta:.3f}   valid {vl:.4f} / {acc:.3f}")


if __name__ == "__main__":
    main()

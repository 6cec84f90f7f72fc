# expects: nothing
"""Predicts how likely a basket's buyer is to be a family household (score 0-100) from the items alone.

Baskets hold between 1 and 40 items; each item is a product id and the number of units bought.
"""
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset, DataLoader, Subset
import numpy as np
import torch
import torch.nn as nn


class Baskets(Dataset):
    def __init__(self, n, n_products=150, seed=33):
        rng = np.random.default_rng(seed)
        affinity = rng.normal(0, 1, n_products)
        self.n_products = n_products
        self.items, self.scores = [], []
        for _ in range(n):
            size = int(np.clip(np.exp(rng.normal(2.2, 0.9)), 1, 40))
            taste = rng.normal(0, 0.8)
            w = np.exp(taste * affinity)
            ids = rng.choice(n_products, size, p=w / w.sum())
            units = 1 + rng.poisson(0.7, size)
            value = np.mean(affinity[ids] * np.sqrt(units))
            score = 100 / (1 + np.exp(-1.3 * value)) + rng.normal(0, 3)
            self.items.append(torch.tensor(np.stack([ids + 1, units], 1), dtype=torch.long))
            self.scores.append(float(score))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i], self.scores[i]


def collate(batch):
    items, scores = zip(*batch)
    padded = pad_sequence(items, batch_first=True)            # product 0 is free
    return padded[..., 0], padded[..., 1].float(), torch.tensor(scores)


class BasketModel(nn.Module):
    def __init__(self, n_products, dim=24, hidden=64):
        super().__init__()
        self.emb = nn.Embedding(n_products + 1, dim, padding_idx=0)
        self.item_net = nn.Sequential(nn.Linear(dim + 1, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.basket_net = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, ids, units):
        h = self.item_net(torch.cat([self.emb(ids), units.unsqueeze(-1)], -1))
        mask = (ids > 0).unsqueeze(-1)
        pooled = (h * mask).sum(1) / mask.sum(1)
        return self.basket_net(pooled).squeeze(-1)


def score_report(model, loader, center, spread):
    model.eval()
    p, t = [], []
    with torch.no_grad():
        for ids, units, y in loader:
            p.append(model(ids, units) * spread + center)
            t.append(y)
    p, t = torch.cat(p), torch.cat(t)
    mae = (p - t).abs().mean().item()
    r2 = 1 - ((p - t).pow(2).sum() / (t - t.mean()).pow(2).sum()).item()
    return mae, r2


def main():
    torch.manual_seed(33)
    data = Baskets(8000)
    order = torch.randperm(len(data)).tolist()
    train_ids, val_ids = order[:6500], order[6500:]
    y = torch.tensor([data.scores[i] for i in train_ids])
    center, spread = y.mean(), y.std()
    train = DataLoader(Subset(data, train_ids), batch_size=64, shuffle=True, collate_fn=collate)
    val = DataLoader(Subset(data, val_ids), batch_size=64, collate_fn=collate)

    model = BasketModel(data.n_products)
    optimizer = torch.optim.NAdam(model.parameters(), lr=1e-3, weight_decay=1e-5)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 6, 0.3)
    criterion = nn.SmoothL1Loss()
    for epoch in range(1, 19):
        model.train()
        total = 0.0
        for ids, units, target in train:
            optimizer.zero_grad()
            loss = criterion(model(ids, units), (target - center) / spread)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(target)
        scheduler.step()
        if epoch % 3 == 0:
            mae, r2 = score_report(model, val, center, spread)
            print(f"epoch {epoch:2d}: train loss {total / len(train_ids):.4f}, val MAE {mae:.2f} points, R2 {r2:.3f}")


if __name__ == "__main__":
    main()

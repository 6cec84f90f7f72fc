# bug: drop_last=True in a same-length batch sampler: nearly every length has fewer sessions than one batch, so almost all training sessions are dropped
# expects: DAT024
"""Will a shop session end in a purchase?  Sessions have different lengths; equal lengths share a batch."""
import argparse
import random
from collections import defaultdict

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.utils.data import DataLoader, Dataset, Sampler

EVENTS = ["home", "search", "list", "item", "photo", "review", "cart", "remove", "coupon", "help"]


class Sessions(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.items, self.labels = [], []
        for _ in range(n):
            length = int(np.clip(rng.lognormal(3.2, 0.5), 6, 48))
            ev = rng.integers(0, len(EVENTS), length)
            score = 0.0
            for a, b in zip(ev[:-1], ev[1:]):
                score += 1.0 * (a == 5 and b == 6) + 0.7 * (a == 3 and b == 5) - 0.8 * (a == 6 and b == 7) - 0.6 * (a == 9)
            score += 1.5 * (6 in ev[-4:]) - 1.5 * (9 in ev[-4:])
            self.items.append(torch.tensor(ev))
            self.labels.append(float(score + rng.normal(0, 0.3) > -0.4))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i], self.labels[i]


class SameLengthBatches(Sampler):
    """Batches in which all sessions have the same number of events."""

    def __init__(self, dataset, batch_size, drop_last=False, seed=0):
        self.groups = defaultdict(list)
        for i, ev in enumerate(dataset.items):
            self.groups[len(ev)].append(i)
        self.batch_size, self.drop_last = batch_size, drop_last
        self.rng = random.Random(seed)

    def __iter__(self):
        batches = []
        for members in self.groups.values():
            self.rng.shuffle(members)
            for s in range(0, len(members), self.batch_size):
                batch = members[s:s + self.batch_size]
                if self.drop_last and len(batch) < self.batch_size:
                    continue
                batches.append(list(batch))
        self.rng.shuffle(batches)
        return iter(batches)


def collate(rows):
    return torch.stack([r[0] for r in rows]), torch.tensor([r[1] for r in rows])


class IntentNet(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.emb = nn.Embedding(len(EVENTS), 16)
        self.gru = nn.GRU(16, hidden, batch_first=True)
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(hidden, 1))

    def forward(self, ev):
        out, _ = self.gru(self.emb(ev))
        return self.head(out[:, -1]).squeeze(-1)


@torch.no_grad()
def auc(model, loader):
    model.eval()
    scores, truth = [], []
    for ev, y in loader:
        scores.append(model(ev))
        truth.append(y)
    return roc_auc_score(torch.cat(truth).numpy(), torch.cat(scores).numpy())


def main(args):
    torch.manual_seed(args.seed)
    train_set, test_set = Sessions(args.sessions, seed=1), Sessions(1500, seed=2)
    sampler = SameLengthBatches(train_set, args.batch_size, drop_last=True)
    train_loader = DataLoader(train_set, batch_sampler=sampler, collate_fn=collate)
    test_loader = DataLoader(test_set, batch_sampler=SameLengthBatches(test_set, 256), collate_fn=collate)
    model = IntentNet(args.hidden)
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    bce = nn.BCEWithLogitsLoss()
    step, losses = 0, []
    while step < args.steps:
        for ev, y in train_loader:
            model.train()
            loss = bce(model(ev), y)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            opt.step()
            losses.append(loss.item())
            step += 1
            if step % 150 == 0:
                print(f"step {step}: loss {np.mean(losses[-150:]):.4f}  test AUC {auc(model, test_loader):.4f}")
            if step == args.steps:
                break


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--sessions", type=int, default=2600)
    ap.add_argument("--batch-size", type=int, default=128)
    ap.add_argument("--hidden", type=int, default=40)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--steps", type=int, default=900)
    ap.add_argument("--seed", type=int, default=0)
    main(ap.parse_args())

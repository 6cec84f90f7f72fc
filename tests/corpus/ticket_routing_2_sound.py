# expects: nothing
"""Route customer e-mails to one of six desks. Desks get very different volumes of mail."""
import logging
from collections import Counter

import numpy as np
import torch
from sklearn.metrics import balanced_accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from torch import nn

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
log = logging.getLogger("routing")

DESKS = ["orders", "delivery", "returns", "billing", "press", "legal"]
SHARE = [0.50, 0.25, 0.12, 0.07, 0.035, 0.025]
VOCAB = 600


def inbox(n, seed):
    """Made-up mails: word ids, drawn from a mixture of everyday words and the desk's own words."""
    rng = np.random.default_rng(seed)
    everyday = rng.dirichlet(np.full(VOCAB, 0.3))
    own = [rng.dirichlet(np.full(VOCAB, 0.05)) for _ in DESKS]
    mails, desks = [], []
    for _ in range(n):
        d = rng.choice(len(DESKS), p=SHARE)
        mix = 0.84 * everyday + 0.16 * own[d]
        mails.append(rng.choice(VOCAB, size=rng.integers(8, 40), p=mix))
        desks.append(d)
    return mails, np.array(desks)


def pack(mails, idx):
    lens = [len(mails[i]) for i in idx]
    flat = torch.from_numpy(np.concatenate([mails[i] for i in idx]))
    offsets = torch.tensor([0] + lens[:-1]).cumsum(0)
    return flat, offsets


class Router(nn.Module):
    def __init__(self, dim=24, p=0.3):
        super().__init__()
        self.bag = nn.EmbeddingBag(VOCAB, dim, mode="mean")
        self.drop = nn.Dropout(p)
        self.out = nn.Linear(dim, len(DESKS))

    def forward(self, flat, offsets):
        return self.out(self.drop(self.bag(flat, offsets)))


def desk_weights(y):
    counts = np.bincount(y, minlength=len(DESKS))
    w = counts.sum() / counts
    return torch.tensor(w / w.mean(), dtype=torch.float32)


def predict(model, mails, idx):
    model.eval()
    with torch.no_grad():
        return model(*pack(mails, idx)).argmax(1).numpy()


def main():
    torch.manual_seed(41)
    rng = np.random.default_rng(41)
    mails, y = inbox(7000, seed=40)
    train, val = train_test_split(np.arange(len(y)), test_size=0.25, stratify=y, random_state=1)
    log.info("train %s", {DESKS[k]: v for k, v in sorted(Counter(y[train].tolist()).items())})
    weights = desk_weights(y[train])
    criterion = nn.CrossEntropyLoss(weight=weights)
    model = Router()
    opt = torch.optim.Adamax(model.parameters(), lr=0.01)
    for epoch in range(1, 21):
        model.train()
        losses = []
        for idx in np.array_split(rng.permutation(train), len(train) // 50):
            loss = criterion(model(*pack(mails, idx)), torch.from_numpy(y[idx]))
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        p = predict(model, mails, val)
        log.info("epoch %2d loss %.4f  balanced accuracy %.3f  macro F1 %.3f", epoch, np.mean(losses),
                 balanced_accuracy_score(y[val], p), f1_score(y[val], p, average="macro"))
    recall = {d: round(float((p[y[val] == k] == k).mean()), 3) for k, d in enumerate(DESKS)}
    log.info("recall per desk %s", recall)


if __name__ == "__main__":
    main()

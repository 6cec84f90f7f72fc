# expects: nothing
"""Sentiment of short hotel reviews (made-up language): bag of embeddings, early stopping on validation F1."""
import copy
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import f1_score
from torch.utils.data import DataLoader, Dataset

CFG = dict(vocab=500, dim=16, batch_size=32, lr=4e-3, max_epochs=30, patience=5, seed=3)


def write_reviews(n, rng):
    vocab = CFG["vocab"]
    polarity = np.zeros(vocab)
    polarity[:300] = rng.normal(scale=1.2, size=300)
    freq = 1.0 / (np.arange(vocab) + 60)
    freq = freq / freq.sum()
    texts, labels = [], []
    for _ in range(n):
        words = rng.choice(vocab, size=rng.integers(15, 40), p=freq)
        score = polarity[words].sum() + rng.normal(scale=0.8)
        texts.append(words)
        labels.append(int(score > 0))
    return texts, labels


class Reviews(Dataset):
    def __init__(self, texts, labels):
        self.texts, self.labels = texts, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return torch.as_tensor(self.texts[i]), self.labels[i]


def collate(batch):
    words = torch.cat([w for w, _ in batch])
    offsets = torch.tensor([0] + [len(w) for w, _ in batch[:-1]]).cumsum(0)
    return words, offsets, torch.tensor([y for _, y in batch], dtype=torch.float32)


class DataModule:
    def __init__(self, cfg):
        rng = np.random.default_rng(cfg["seed"])
        texts, labels = write_reviews(3000, rng)
        self.cfg = cfg
        self.splits = {"train": (texts[:2000], labels[:2000]), "valid": (texts[2000:], labels[2000:])}
        self._loaders = {}

    def _loader(self, split, batch_size):
        key = (split, batch_size)
        if key not in self._loaders:
            ds = Reviews(*self.splits[split])
            self._loaders[key] = DataLoader(ds, batch_size, shuffle=split == "train", collate_fn=collate)
        return self._loaders[key]

    def train_dataloader(self):
        return self._loader("train", self.cfg["batch_size"])

    def val_dataloader(self):
        return self._loader("valid", self.cfg["batch_size"])


class BagClassifier(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.emb = nn.EmbeddingBag(cfg["vocab"], cfg["dim"], mode="mean")
        self.drop = nn.Dropout(0.4)
        self.out = nn.Linear(cfg["dim"], 1)

    def forward(self, words, offsets):
        return self.out(self.drop(self.emb(words, offsets))).squeeze(1)


def evaluate(model, loader):
    model.eval()
    losses, truth, guess = 0.0, [], []
    with torch.no_grad():
        for words, offsets, y in loader:
            logit = model(words, offsets)
            losses += F.binary_cross_entropy_with_logits(logit, y, reduction="sum").item()
            truth += y.tolist()
            guess += (logit > 0).float().tolist()
    return losses / len(truth), f1_score(truth, guess)


def main(cfg):
    torch.manual_seed(cfg["seed"])
    data = DataModule(cfg)
    model = BagClassifier(cfg)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg["lr"], weight_decay=0.1)
    best, best_state, waited = float("inf"), None, 0
    for epoch in range(cfg["max_epochs"]):
        model.train()
        running, seen = 0.0, 0
        for words, offsets, y in data.train_dataloader():
            loss = F.binary_cross_entropy_with_logits(model(words, offsets), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            running += loss.item() * len(y)
            seen += len(y)
        vloss, f1 = evaluate(model, data.val_dataloader())
        print(f"epoch {epoch:2d}  loss {running / seen:.4f}  val loss {vloss:.4f}  val F1 {f1:.4f}")
        if vloss < best - 1e-4:
            best, best_state, waited = vloss, copy.deepcopy(model.state_dict()), 0
        else:
            waited += 1
            if waited >= cfg["patience"]:
                print("no improvement, stop")
                break
    model.load_state_dict(best_state)
    vloss, f1 = evaluate(model, data.val_dataloader())
    print(f"best checkpoint: val loss {vloss:.4f}  val F1 {f1:.4f}")


main(CFG)

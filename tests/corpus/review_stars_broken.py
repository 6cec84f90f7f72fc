# bug: the mean over the words of a review counts the padding
# expects: MOD024
# Stars from review text: mean of word vectors, then a small head.
from functools import partial

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader

PAD = 0
N_WORDS = 400
MAX_LEN = 80


def write_reviews(n, rng, mood):
    """A review is a bag of words around the writer's opinion; stars (1 to 5, in halves) follow the opinion."""
    reviews = []
    for _ in range(n):
        opinion = rng.normal()
        length = int(np.clip(rng.lognormal(2.6, 1.0), 4, MAX_LEN))
        weight = np.exp(1.2 * opinion * mood)
        words = rng.choice(N_WORDS, size=length, p=weight / weight.sum()) + 1
        stars = np.clip(np.round((3 + 1.1 * opinion + rng.normal(0, 0.15)) * 2) / 2, 1, 5)
        reviews.append((torch.from_numpy(words), float(stars)))
    return reviews


def pad_batch(batch, width=None):
    width = width or max(len(words) for words, _ in batch)
    ids = torch.full((len(batch), width), PAD)
    for i, (words, _) in enumerate(batch):
        ids[i, :len(words)] = words
    return ids, torch.tensor([stars for _, stars in batch])


class StarModel(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.words = nn.Embedding(N_WORDS + 1, dim)
        self.head = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, ids):
        vectors = self.words(ids)
        text = vectors.mean(dim=1)
        return self.head(text).squeeze(-1) + 3.0


def train_one_epoch(model, loader, optimizer):
    model.train()
    total, n = 0.0, 0
    for ids, stars in loader:
        optimizer.zero_grad()
        loss = nn.functional.smooth_l1_loss(model(ids), stars)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(stars)
        n += len(stars)
    return total / n


def evaluate(model, loader):
    model.eval()
    guesses, truths = [], []
    with torch.no_grad():
        for ids, stars in loader:
            guesses.append(model(ids))
            truths.append(stars)
    guess, truth = torch.cat(guesses), torch.cat(truths)
    mae = (guess - truth).abs().mean().item()
    r2 = 1 - ((guess - truth) ** 2).sum().item() / ((truth - truth.mean()) ** 2).sum().item()
    return mae, r2


def main():
    rng = np.random.default_rng(8)
    torch.manual_seed(8)
    mood = rng.normal(0, 0.6, N_WORDS)
    train_rows = write_reviews(5000, rng, mood)
    test_rows = write_reviews(1000, rng, mood)

    train_loader = DataLoader(train_rows, batch_size=32, shuffle=True, collate_fn=pad_batch)
    test_loader = DataLoader(test_rows, batch_size=250, collate_fn=partial(pad_batch, width=MAX_LEN))

    model = StarModel()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(8):
        loss = train_one_epoch(model, train_loader, optimizer)
        mae, r2 = evaluate(model, test_loader)
        print(f"epoch {epoch}: smooth-l1 {loss:.4f}   test MAE {mae:.3f} stars   R2 {r2:.3f}")


main()

# expects: OPT020
"""Rent model: categorical embeddings + numeric features. Stage A fits the head, stage B tunes everything."""
import math
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(11)
rng = np.random.default_rng(11)


def make_listings(n=14000, districts=40, agencies=25):
    d = rng.integers(0, districts, n)
    a = rng.integers(0, agencies, n)
    num = rng.normal(size=(n, 6))
    level = rng.normal(scale=0.8, size=districts)
    slope = rng.normal(scale=0.5, size=districts)
    markup = rng.normal(scale=0.4, size=agencies)
    rent = (level[d] + markup[a] + (1 + slope[d]) * num[:, 0] + 0.6 * np.sin(2 * num[:, 1])
            + 0.3 * num[:, 2] * num[:, 3] + rng.normal(scale=0.8, size=n))
    cats = np.stack([d, a], 1)
    return torch.tensor(cats), torch.tensor(num, dtype=torch.float32), torch.tensor(rent, dtype=torch.float32)


class RentNet(nn.Module):
    def __init__(self, districts=40, agencies=25, emb=4, hidden=48):
        super().__init__()
        self.district = nn.Embedding(districts, emb)
        self.agency = nn.Embedding(agencies, emb)
        self.head = nn.Sequential(nn.Linear(2 * emb + 6, hidden), nn.ReLU(),
                                  nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def embeddings(self):
        return [*self.district.parameters(), *self.agency.parameters()]

    def forward(self, cats, num):
        z = torch.cat([self.district(cats[:, 0]), self.agency(cats[:, 1]), num], 1)
        return self.head(z).squeeze(1)


def warmup_cosine(total, warm):
    def f(step):
        if step < warm:
            return (step + 1) / warm
        p = min(1.0, (step - warm) / max(1, total - warm))
        return 0.5 * (1 + math.cos(math.pi * p)) + 0.005
    return f


class Finetuner:
    def __init__(self, model, train_dl, valid, lr=0.1, head_epochs=4, full_epochs=20):
        self.model, self.train_dl, self.valid = model, train_dl, valid
        self.lr, self.head_epochs, self.full_epochs = lr, head_epochs, full_epochs
        self.loss_fn = nn.MSELoss()

    def freeze_embeddings(self):
        for p in self.model.embeddings():
            p.requires_grad_(False)
        self.build_optimizer(self.model.head.parameters())

    def unfreeze(self):
        for p in self.model.embeddings():
            p.requires_grad_(True)
        self.build_scheduler(self.full_epochs)
        self.build_optimizer(self.model.parameters())

    def build_optimizer(self, params):
        self.opt = torch.optim.SGD(params, lr=self.lr, momentum=0.9, weight_decay=5e-4)

    def build_scheduler(self, epochs):
        total = epochs * len(self.train_dl)
        self.sched = torch.optim.lr_scheduler.LambdaLR(self.opt, warmup_cosine(total, len(self.train_dl)))

    def run_epoch(self):
        self.model.train()
        total = 0.0
        for cats, num, rent in self.train_dl:
            self.opt.zero_grad()
            loss = self.loss_fn(self.model(cats, num), rent)
            loss.backward()
            self.opt.step()
            self.sched.step()
            total += loss.item() * len(rent)
        return total / len(self.train_dl.dataset)

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        cats, num, rent = self.valid
        mse = self.loss_fn(self.model(cats, num), rent).item()
        return mse, 1 - mse / rent.var(unbiased=False).item()

    def fit(self):
        self.freeze_embeddings()
        self.build_scheduler(self.head_epochs)
        for ep in range(self.head_epochs + self.full_epochs):
            if ep == self.head_epochs:
                self.unfreeze()
            tr = self.run_epoch()
            mse, r2 = self.validate()
            print(f"epoch {ep:2d} train mse {tr:.4f}  valid mse {mse:.4f}  r2 {r2:.4f}")
        print(f"final valid r2 {r2:.4f}")


def main():
    cats, num, rent = make_listings()
    cut = 11000
    mu, sd = num[:cut].mean(0), num[:cut].std(0)
    num = (num - mu) / sd
    m, s = rent[:cut].mean(), rent[:cut].std()
    rent = (rent - m) / s
    dl = DataLoader(TensorDataset(cats[:cut], num[:cut], rent[:cut]), batch_size=64, shuffle=True)
    Finetuner(RentNet(), dl, (cats[cut:], num[cut:], rent[cut:])).fit()


if __name__ == "__main__":
    main()

# expects: MOD053
"""A trainer class; each tree-like member looks at columns of its own, drawn when it is made and kept in a buffer that is not persistent."""

import io

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from torch import nn


class Member(nn.Module):
    def __init__(self, columns, wanted=12):
        super().__init__()
        shares = torch.rand(columns)
        self.register_buffer("mask", (shares > shares.kthvalue(columns - wanted).values).float(), persistent=False)
        self.net = nn.Sequential(nn.Linear(columns, 24), nn.Tanh(), nn.Linear(24, 2))

    def masked(self, x):
        return x * self.mask

    def forward(self, x):
        return self.net(self.masked(x))


class Committee(nn.Module):
    def __init__(self, columns, members=3):
        super().__init__()
        self.members = nn.ModuleList(Member(columns) for _ in range(members))

    def forward(self, x):
        return torch.stack([member(x) for member in self.members]).mean(0)


class Trainer:
    def __init__(self, seed=5):
        torch.manual_seed(seed)
        x, y = load_breast_cancer(return_X_y=True)
        order = np.random.default_rng(seed).permutation(len(y))
        x, y = x[order], y[order]
        x = (x - x[:400].mean(0)) / x[:400].std(0)
        self.x, self.y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
        self.model = Committee(self.x.shape[1])
        self.best, self.file = 0.0, None

    def accuracy(self, model):
        model.eval()
        with torch.no_grad():
            right = (model(self.x[400:]).argmax(1) == self.y[400:]).float().mean().item()
        model.train()
        return right

    def fit(self, epochs=25):
        optimizer = torch.optim.RMSprop(self.model.parameters(), lr=1e-3)
        for epoch in range(epochs):
            for rows in torch.randperm(400).split(25):
                loss = nn.functional.cross_entropy(self.model(self.x[rows]), self.y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            score = self.accuracy(self.model)
            if score > self.best:
                self.best, self.file = score, io.BytesIO()
                torch.save({"model": self.model.state_dict(), "score": score}, self.file)
            print(f"epoch {epoch} loss {loss.item():.3f} accuracy {score:.3f}")

    def served(self):
        self.file.seek(0)
        model = Committee(self.x.shape[1])
        model.load_state_dict(torch.load(self.file, weights_only=True)["model"])
        return model


trainer = Trainer()
trainer.fit()
print(f"best {trainer.best:.3f}, as served {trainer.accuracy(trainer.served()):.3f}")

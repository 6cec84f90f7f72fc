# bug: The "best" weights that are kept are an alias (state_dict without copy), so at the end the last ones are restored.
# expects: TRN005
"""Diabetes progression: MLP with model selection on a validation part."""
import copy

import numpy as np
import torch
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn


class Trainer:
    def __init__(self, model, lr=1e-3, batch_size=32, max_epochs=150, seed=0):
        self.model = model
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)
        self.loss = nn.MSELoss()
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.gen = torch.Generator().manual_seed(seed)
        self.best_val = float("inf")
        self.best_epoch = -1
        self.best_weights = None

    def _run_epoch(self, x, y):
        self.model.train()
        perm = torch.randperm(len(x), generator=self.gen)
        losses = []
        for start in range(0, len(x), self.batch_size):
            sel = perm[start:start + self.batch_size]
            self.opt.zero_grad()
            loss = self.loss(self.model(x[sel]).squeeze(1), y[sel])
            loss.backward()
            self.opt.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    @torch.no_grad()
    def predict(self, x):
        self.model.eval()
        return self.model(x).squeeze(1)

    def fit(self, x, y, xv, yv):
        for epoch in range(self.max_epochs):
            train_loss = self._run_epoch(x, y)
            val_loss = self.loss(self.predict(xv), yv).item()
            if val_loss < self.best_val:
                self.best_val, self.best_epoch = val_loss, epoch
                self.best_weights = copy.copy(self.model.state_dict())
            if epoch % 25 == 0 or epoch == self.max_epochs - 1:
                print(f"epoch {epoch:3d} train {train_loss:.3f} val {val_loss:.3f}")
        self.model.load_state_dict(self.best_weights)
        print(f"restored weights of epoch {self.best_epoch} (val {self.best_val:.3f})")
        return self


def main(seed=4):
    torch.manual_seed(seed)
    X, y = load_diabetes(return_X_y=True)
    X_rest, X_test, y_rest, y_test = train_test_split(X, y, test_size=100, random_state=seed)
    X_tr, X_va, y_tr, y_va = train_test_split(X_rest, y_rest, test_size=90, random_state=seed)
    sx = StandardScaler().fit(X_tr)
    m, s = y_tr.mean(), y_tr.std()
    f = lambda a: torch.tensor(sx.transform(a), dtype=torch.float32)
    g = lambda a: torch.tensor((a - m) / s, dtype=torch.float32)
    net = nn.Sequential(nn.Linear(10, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1))
    trainer = Trainer(net, seed=seed).fit(f(X_tr), g(y_tr), f(X_va), g(y_va))
    for part, a, b in (("val", X_va, y_va), ("test", X_test, y_test)):
        print(f"{part} R2 of the final model: {r2_score(g(b), trainer.predict(f(a))):.3f}")


main()

# expects: nothing
"""Will this user click this banner? Small factorisation model, trainer with callbacks."""
import copy

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.metrics import roc_auc_score


# ---------------------------------------------------------------- data
def make_log(n=20000, users=220, banners=140, k=3, seed=13):
    rng = np.random.default_rng(seed)
    U, B = rng.normal(size=(users, k)), rng.normal(size=(banners, k))
    bu, bb = rng.normal(0, 0.6, users), rng.normal(0, 0.6, banners)
    u, b = rng.integers(0, users, n), rng.integers(0, banners, n)
    z = 1.1 * (U[u] * B[b]).sum(1) + bu[u] + bb[b] - 0.3
    y = rng.random(n) < 1 / (1 + np.exp(-z))
    return torch.tensor(np.stack([u, b], 1)), torch.tensor(y, dtype=torch.float32)


# ---------------------------------------------------------------- model
class FM(nn.Module):
    def __init__(self, users, banners, dim=4):
        super().__init__()
        self.u, self.b = nn.Embedding(users, dim), nn.Embedding(banners, dim)
        self.ub, self.bb = nn.Embedding(users, 1), nn.Embedding(banners, 1)
        self.bias = nn.Parameter(torch.zeros(1))
        for e in (self.u, self.b):
            nn.init.normal_(e.weight, std=0.1)
        for e in (self.ub, self.bb):
            nn.init.zeros_(e.weight)

    def forward(self, ids):
        u, b = ids.unbind(1)
        return (self.u(u) * self.b(b)).sum(1) + self.ub(u)[:, 0] + self.bb(b)[:, 0] + self.bias


# ---------------------------------------------------------------- trainer
class Callback:
    def on_epoch_start(self, t): pass
    def on_train_batch_end(self, t, logits, y, loss): pass
    def on_val_batch_end(self, t, logits, y, loss): pass
    def on_epoch_end(self, t): pass


class LossLog(Callback):
    def on_epoch_start(self, t):
        self.sum, self.n = 0.0, 0

    def on_train_batch_end(self, t, logits, y, loss):
        self.sum, self.n = self.sum + loss.item() * len(y), self.n + len(y)

    def on_epoch_end(self, t):
        t.log["loss"] = self.sum / self.n


class AUC(Callback):
    def on_epoch_start(self, t):
        self.logits, self.y = [], []

    def on_val_batch_end(self, t, logits, y, loss):
        self.logits.append(logits.detach())
        self.y.append(y)

    def on_epoch_end(self, t):
        t.log["auc"] = roc_auc_score(torch.cat(self.y).numpy(), torch.cat(self.logits).numpy())


class KeepBest(Callback):
    def __init__(self, key, patience):
        self.key, self.patience = key, patience
        self.best, self.wait, self.state, self.epoch = -1.0, 0, None, None

    def on_epoch_end(self, t):
        if t.log[self.key] > self.best + 1e-4:
            self.best, self.wait, self.epoch = t.log[self.key], 0, t.epoch
            self.state = copy.deepcopy(t.model.state_dict())
        else:
            self.wait += 1
            t.stop = self.wait >= self.patience


class Trainer:
    def __init__(self, model, opt, callbacks):
        self.model, self.opt, self.callbacks = model, opt, callbacks
        self.lossf = nn.BCEWithLogitsLoss()
        self.stop, self.log = False, {}

    def call(self, name, *a):
        for c in self.callbacks:
            getattr(c, name)(self, *a)

    def fit(self, train, val, max_epochs):
        for self.epoch in range(max_epochs):
            self.call("on_epoch_start")
            self.model.train()
            for ids, y in train:
                out = self.model(ids)
                loss = self.lossf(out, y)
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                self.call("on_train_batch_end", out, y, loss)
            self.model.eval()
            with torch.no_grad():
                for ids, y in val:
                    out = self.model(ids)
                    self.call("on_val_batch_end", out, y, self.lossf(out, y))
            self.call("on_epoch_end")
            print(f"epoch {self.epoch:2d}  " + "  ".join(f"{k} {v:.4f}" for k, v in self.log.items()))
            if self.stop:
                break


def main():
    torch.manual_seed(13)
    ids, y = make_log()
    cut = int(0.8 * len(y))
    train = DataLoader(TensorDataset(ids[:cut], y[:cut]), batch_size=64, shuffle=True)
    val = DataLoader(TensorDataset(ids[cut:], y[cut:]), batch_size=512)
    model = FM(220, 140)
    opt = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-5)
    keep = KeepBest("auc", patience=4)
    Trainer(model, opt, [LossLog(), AUC(), keep]).fit(train, val, max_epochs=40)
    model.load_state_dict(keep.state)
    print(f"keeping epoch {keep.epoch}, AUC {keep.best:.4f}")
    return model


if __name__ == "__main__":
    main()

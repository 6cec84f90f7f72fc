# expects: nothing
"""Next item in a shop session (GRU with one item table for input and output), in the manner of Lightning modules."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


class SessionData:
    def __init__(self, n_items=900, n_sessions=1600, length=9, n_groups=45, batch_size=32, seed=6):
        rng = np.random.default_rng(seed)
        group = rng.integers(0, n_groups, n_items)
        popularity = 1 / (1 + rng.permutation(n_items)) ** 0.6
        members = [np.flatnonzero(group == g) for g in range(n_groups)]
        follows = rng.integers(0, n_groups, (n_groups, 2))
        rows = np.zeros((n_sessions, length), dtype=np.int64)
        for s in range(n_sessions):
            g = rng.integers(n_groups)
            for k in range(length):
                w = popularity[members[g]]
                rows[s, k] = rng.choice(members[g], p=w / w.sum())
                if rng.random() < 0.25:
                    g = follows[g, rng.integers(2)]
        self.n_items, self.batch_size = n_items, batch_size
        rows = torch.from_numpy(rows)
        cut = int(0.8 * n_sessions)
        self.train, self.val = TensorDataset(rows[:cut]), TensorDataset(rows[cut:])

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=160)


class GRURecommender(nn.Module):
    def __init__(self, n_items, dim=48, dropout=0.3, lr=2e-3):
        super().__init__()
        self.lr = lr
        self.items = nn.Embedding(n_items, dim)
        self.gru = nn.GRU(dim, dim, batch_first=True)
        self.drop = nn.Dropout(dropout)
        self.score = nn.Linear(dim, n_items)
        nn.init.normal_(self.items.weight, std=dim ** -0.5)
        nn.init.zeros_(self.score.bias)
        self.score.weight = self.items.weight

    def forward(self, seq):
        h, _ = self.gru(self.drop(self.items(seq)))
        return self.score(self.drop(h))

    def training_step(self, batch):
        (seq,) = batch
        logits = self(seq[:, :-1])
        return F.cross_entropy(logits.flatten(0, 1), seq[:, 1:].flatten())

    def validation_step(self, batch):
        (seq,) = batch
        logits, target = self(seq[:, :-1]), seq[:, 1:]
        loss = F.cross_entropy(logits.flatten(0, 1), target.flatten())
        rank = 1 + (logits > logits.gather(2, target.unsqueeze(2))).sum(2)
        return {"loss": loss, "recall@20": (rank <= 20).float().mean(), "mrr": (1.0 / rank).mean()}

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)


class Runner:
    def __init__(self, max_epochs):
        self.max_epochs = max_epochs

    def fit(self, module, data):
        optimizer = module.configure_optimizers()
        print("trainable parameters:", sum(p.numel() for p in module.parameters()))
        for epoch in range(self.max_epochs):
            module.train()
            losses = []
            for batch in data.train_dataloader():
                optimizer.zero_grad()
                loss = module.training_step(batch)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            metrics = self.validate(module, data)
            shown = "  ".join(f"val {k} {v:.4f}" for k, v in metrics.items())
            print(f"epoch {epoch + 1:2d}  train loss {np.mean(losses):.4f}  {shown}")

    @torch.no_grad()
    def validate(self, module, data):
        module.eval()
        outs = [module.validation_step(b) for b in data.val_dataloader()]
        return {k: float(torch.stack([o[k] for o in outs]).mean()) for k in outs[0]}


if __name__ == "__main__":
    torch.manual_seed(6)
    data = SessionData()
    Runner(max_epochs=24).fit(GRURecommender(data.n_items), data)

# bug: stops are averaged over the padding of the round, too
# expects: MOD024
"""Mean service time per stop of a delivery round, from the stops of the round.

Rounds have between 3 and 80 stops, mostly few; each stop has five features.
"""
import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset


class Rounds(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.items = []
        for _ in range(n):
            length = int(min(3 + rng.exponential(9), 80))
            skill = rng.normal(0, 0.3)
            x = rng.normal(size=(length, 5))
            x[:, 4] = skill + 0.1 * rng.normal(size=length)
            stop = 3 + np.maximum(0, x[:, 0] + x[:, 1]) + 0.8 * np.sin(2 * x[:, 2]) - 2 * x[:, 4]
            y = stop.mean() + 0.05 * rng.normal()
            self.items.append((torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(batch):
    xs, ys = zip(*batch)
    lengths = torch.tensor([len(x) for x in xs])
    return pad_sequence(xs, batch_first=True), lengths, torch.stack(ys)


class RoundModel(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.stop = nn.Sequential(nn.Linear(5, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.head = nn.Sequential(nn.Linear(hidden, 32), nn.SiLU(), nn.Linear(32, 1))

    def forward(self, x, lengths):
        h = self.stop(x)
        pooled = h.mean(dim=1)
        return self.head(pooled).squeeze(-1)


class Regression:
    def __init__(self, seed=14, epochs=20):
        torch.manual_seed(seed)
        train, valid = Rounds(2400, seed), Rounds(500, seed + 1)
        targets = torch.stack([y for _, y in train])
        self.centre, self.spread = targets.mean(), targets.std()
        self.train_dl = DataLoader(train, 32, shuffle=True, collate_fn=collate)
        self.valid_dl = DataLoader(valid, 100, collate_fn=collate)
        self.model = RoundModel()
        self.epochs = epochs
        self.opt = torch.optim.Adam(self.model.parameters(), lr=2e-3)
        self.sched = torch.optim.lr_scheduler.OneCycleLR(self.opt, 5e-3, total_steps=epochs * len(self.train_dl))

    def loss(self, batch):
        x, lengths, y = batch
        pred = self.model(x, lengths)
        return nn.functional.mse_loss(pred, (y - self.centre) / self.spread)

    def evaluate(self):
        self.model.eval()
        err, ref = [], []
        with torch.no_grad():
            for x, lengths, y in self.valid_dl:
                err.append(self.model(x, lengths) * self.spread + self.centre - y)
                ref.append(y)
        err, ref = torch.cat(err), torch.cat(ref)
        return err.abs().mean().item(), (1 - err.pow(2).mean() / ref.var()).item()

    def fit(self):
        for epoch in range(1, self.epochs + 1):
            self.model.train()
            losses = []
            for batch in self.train_dl:
                loss = self.loss(batch)
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                self.sched.step()
                losses.append(loss.item())
            mae, r2 = self.evaluate()
            print(f"epoch {epoch:2d}  mse {np.mean(losses):.4f}  val MAE {mae:.3f} min  R2 {r2:.3f}")


if __name__ == "__main__":
    Regression().fit()

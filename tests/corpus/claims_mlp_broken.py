# bug: rows are drawn several times before the split
# expects: DAT041
import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score, f1_score, recall_score
from sklearn.model_selection import train_test_split
from torch import nn


class ClaimsData:
    """Motor claims, about 10 % of them fraudulent; minority rows are repeated to even out the classes."""

    def __init__(self, seed=4, batch_size=128):
        self.seed, self.batch_size = seed, batch_size

    def load(self):
        return make_classification(
            n_samples=16000, n_features=24, n_informative=10, n_redundant=4, n_clusters_per_class=2,
            weights=[0.9], class_sep=1.0, flip_y=0.002, random_state=self.seed,
        )

    def oversample(self, X, y):
        rng = np.random.default_rng(self.seed)
        pos, neg = np.where(y == 1)[0], np.where(y == 0)[0]
        extra = rng.choice(pos, len(neg) - len(pos), replace=True)
        keep = np.concatenate([neg, pos, extra])
        return X[keep], y[keep]

    def setup(self):
        X, y = self.oversample(*self.load())
        Xtr, Xte, ytr, yte = train_test_split(X, y, test_size=0.3, stratify=y, random_state=self.seed)
        mu, sd = Xtr.mean(0), Xtr.std(0)
        self.train = self._tensors((Xtr - mu) / sd, ytr)
        self.test = self._tensors((Xte - mu) / sd, yte)
        print(f"train {len(ytr)} claims ({ytr.mean():.1%} fraud), test {len(yte)} claims ({yte.mean():.1%} fraud)")

    @staticmethod
    def _tensors(X, y):
        return torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)

    def train_batches(self):
        X, y = self.train
        for idx in torch.randperm(len(X)).split(self.batch_size):
            yield X[idx], y[idx]


class FraudModule(nn.Module):
    def __init__(self, n_in, hidden=32, lr=1e-3):
        super().__init__()
        self.lr = lr
        self.net = nn.Sequential(
            nn.Linear(n_in, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(0.3),
            nn.Linear(hidden, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(0.3),
            nn.Linear(hidden, 1),
        )
        self.loss = nn.BCEWithLogitsLoss()

    def forward(self, x):
        return self.net(x).squeeze(-1)

    def training_step(self, batch):
        x, y = batch
        return self.loss(self(x), y)

    @torch.no_grad()
    def test_step(self, batch):
        x, y = batch
        logit = self(x)
        prob, y = torch.sigmoid(logit).numpy(), y.numpy()
        pred = prob > 0.5
        return dict(f1=f1_score(y, pred), recall=recall_score(y, pred), ap=average_precision_score(y, prob))

    def configure_optimizers(self):
        opt = torch.optim.NAdam(self.parameters(), lr=self.lr, weight_decay=1e-2)
        return opt, torch.optim.lr_scheduler.StepLR(opt, step_size=15, gamma=0.3)


class Runner:
    def __init__(self, max_epochs=40):
        self.max_epochs = max_epochs

    def fit(self, module, data):
        opt, sched = module.configure_optimizers()
        for epoch in range(self.max_epochs):
            module.train()
            losses = []
            for batch in data.train_batches():
                opt.zero_grad()
                loss = module.training_step(batch)
                loss.backward()
                opt.step()
                losses.append(loss.item())
            sched.step()
            if epoch % 5 == 4:
                print(f"epoch {epoch + 1:3d}  train_loss {np.mean(losses):.4f}")

    def test(self, module, data):
        module.eval()
        scores = module.test_step(data.test)
        print("test  " + "  ".join(f"{k} {v:.3f}" for k, v in scores.items()))
        return scores


if __name__ == "__main__":
    torch.manual_seed(4)
    data = ClaimsData()
    data.setup()
    module = FraudModule(n_in=data.train[0].shape[1])
    runner = Runner()
    runner.fit(module, data)
    runner.test(module, data)

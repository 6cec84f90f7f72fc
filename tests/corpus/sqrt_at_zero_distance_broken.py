# bug: pairwise distances by torch.sqrt(d2) with a zero diagonal, whose gradient is NaN
# expects: NUM001
import numpy as np
import torch
from sklearn.datasets import load_iris
from sklearn.neighbors import KNeighborsClassifier


def squared_distances(a: torch.Tensor) -> torch.Tensor:
    diff = a[:, None, :] - a[None, :, :]
    return (diff * diff).sum(-1)


def pairwise(a: torch.Tensor) -> torch.Tensor:
    d2 = squared_distances(a)
    return torch.sqrt(d2)


class MetricLearner:
    """Contrastive loss on all pairs of a batch."""

    def __init__(self, n_features: int, dim: int = 4, margin: float = 2.0, lr: float = 0.01, seed: int = 0):
        torch.manual_seed(seed)
        self.net = torch.nn.Sequential(
            torch.nn.Linear(n_features, 32), torch.nn.ReLU(), torch.nn.Linear(32, dim)
        )
        self.margin = margin
        self.opt = torch.optim.RMSprop(self.net.parameters(), lr=lr / 10)

    def partial_fit(self, x: torch.Tensor, y: torch.Tensor) -> float:
        self.net.train()
        d = pairwise(self.net(x))
        same = (y[:, None] == y[None, :]).float()
        loss = (same * d.pow(2) + (1 - same) * (self.margin - d).clamp(min=0).pow(2)).mean()
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return float(loss)

    def transform(self, x: torch.Tensor) -> np.ndarray:
        self.net.eval()
        with torch.no_grad():
            return np.nan_to_num(self.net(x).numpy())


iris = load_iris()
rs = np.random.RandomState(1)
order = rs.permutation(150)
x = (iris.data - iris.data.mean(0)) / iris.data.std(0)
x = torch.tensor(x[order], dtype=torch.float32)
y = torch.tensor(iris.target[order])
learner = MetricLearner(4)
for step in range(250):
    rows = torch.from_numpy(rs.choice(100, 30, replace=False))
    value = learner.partial_fit(x[rows], y[rows])
    if step % 50 == 49:
        knn = KNeighborsClassifier(3).fit(learner.transform(x[:100]), y[:100])
        print("step", step + 1, "contrastive loss", round(value, 5), "3-nn accuracy", knn.score(learner.transform(x[100:]), y[100:]))

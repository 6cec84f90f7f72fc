# bug: the focal loss takes raw logits as if they were probabilities (only clamped), without a sigmoid
# expects: LOS025
import torch
from torch import nn, Tensor
from sklearn.datasets import make_moons
from sklearn.metrics import average_precision_score, f1_score


class FocalLoss(nn.Module):
    def __init__(self, alpha: float = 0.6, gamma: float = 1.5):
        super().__init__()
        self.alpha = alpha
        self.gamma = gamma

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        p = logits.clamp(1e-6, 1 - 1e-6)
        pt = torch.where(target == 1, p, 1 - p)
        w = torch.where(target == 1, self.alpha, 1 - self.alpha)
        return (-w * (1 - pt) ** self.gamma * pt.log()).mean()


class Detector(nn.Module):
    def __init__(self, hidden: int):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.score = nn.Linear(hidden, 1)
        nn.init.constant_(self.score.bias, -1.5)  # prior of a rare class

    def forward(self, x: Tensor) -> Tensor:
        return self.score(self.features(x)).flatten()


def rare_moons(n: int, seed: int) -> tuple[Tensor, Tensor]:
    x, y = make_moons((int(n * 0.85), n - int(n * 0.85)), noise=0.15, random_state=seed)
    x = torch.tensor(x, dtype=torch.float32)
    return (x - torch.tensor([0.4, 0.3])) / torch.tensor([0.85, 0.5]), torch.tensor(y)


torch.manual_seed(3)
X, Y = rare_moons(3000, 0)
XV, YV = rare_moons(1000, 1)
detector = Detector(48)
criterion = FocalLoss()
optimizer = torch.optim.Adam(detector.parameters(), lr=3e-3)
epoch_losses: list[float] = []
for epoch in range(10):
    detector.train()
    running = 0.0
    for idx in torch.randperm(len(X)).split(75):
        loss = criterion(detector(X[idx]), Y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item()
    epoch_losses.append(running / 40)
print("losses", [round(v, 4) for v in epoch_losses])

detector.eval()
with torch.no_grad():
    s = detector(XV)
print("f1", round(f1_score(YV, (s > 0).int()), 3), "average precision", round(average_precision_score(YV, s), 3))

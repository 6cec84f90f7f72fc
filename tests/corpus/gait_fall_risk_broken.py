# bug: overlapping windows are split at random, so every test person (and most of each test window) is also in training
# expects: DAT052
"""Fall-risk screening from belt accelerometers: each person walks once, the walk is cut into windows."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.model_selection import train_test_split
from torchmetrics.classification import BinaryAUROC

WINDOW, HOP, WALK = 100, 25, 800
EPOCHS = 12


def walk(rng, at_risk):
    t = np.arange(WALK) / 50.0
    cadence = rng.normal(1.75, 0.15)
    harmonics = rng.normal(0, 0.5, size=(3, 4))
    phases = rng.uniform(0, 2 * np.pi, size=(3, 4))
    sig = sum(harmonics[:, k:k + 1] * np.sin(2 * np.pi * cadence * (k + 1) * t + phases[:, k:k + 1]) for k in range(4))
    sway = (0.45 if at_risk else 0.2) * rng.lognormal(0, 0.4)
    sig = sig + sway * np.sin(2 * np.pi * 0.45 * t + rng.uniform(0, 6.28)) + rng.normal(0, 0.25, (3, 1))
    return sig + rng.normal(0, 0.2, sig.shape)


def load_cohort(n_people=220, seed=4):
    rng = np.random.default_rng(seed)
    xs, ys = [], []
    for _ in range(n_people):
        risk = int(rng.uniform() < 0.5)
        rec = walk(rng, risk)
        for s in range(0, WALK - WINDOW + 1, HOP):
            xs.append(rec[:, s:s + WINDOW])
            ys.append(risk)
    return np.stack(xs).astype(np.float32), np.array(ys, dtype=np.float32)


class GaitNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv1d(3, 24, 9, stride=2, padding=4)
        self.c2 = nn.Conv1d(24, 48, 7, stride=2, padding=3)
        self.out = nn.Linear(96, 1)

    def forward(self, x):
        h = F.relu(self.c2(F.relu(self.c1(x))))
        return self.out(torch.cat([h.mean(-1), h.amax(-1)], dim=1)).squeeze(1)


def auc(model, x, y):
    model.eval()
    with torch.no_grad():
        score = BinaryAUROC()(torch.sigmoid(model(x)), y.long())
    model.train()
    return score.item()


def main():
    torch.manual_seed(4)
    x, y = load_cohort()
    tr, te = train_test_split(np.arange(len(x)), test_size=0.35, random_state=4, stratify=y)
    mean, std = x[tr].mean((0, 2), keepdims=True), x[tr].std((0, 2), keepdims=True)
    x = torch.from_numpy((x - mean) / std)
    y = torch.from_numpy(y)
    print(f"{len(tr)} training windows, {len(te)} test windows")

    model = GaitNet()
    opt = torch.optim.NAdam(model.parameters(), lr=1e-3, weight_decay=1e-3)
    x_tr, y_tr = x[tr], y[tr]
    for epoch in range(EPOCHS):
        losses = []
        for idx in torch.randperm(len(tr)).split(32):
            loss = F.binary_cross_entropy_with_logits(model(x_tr[idx]), y_tr[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        if (epoch + 1) % 3 == 0:
            print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}")
    print(f"test AUC {auc(model, x[te], y[te]):.3f}")


if __name__ == "__main__":
    main()

# expects: nothing
"""Predict a panel of soil properties from field sensors with one network."""
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

TARGETS = ["ph", "nitrogen", "potassium", "organic"]


def make_frame(n, rng):
    sensors = rng.normal(size=(n, 14))
    mixed = np.tanh(sensors @ rng.normal(size=(14, 10)) / 3)
    frame = pd.DataFrame(sensors, columns=[f"s{i}" for i in range(14)])
    frame["ph"] = 6.5 + 0.8 * mixed[:, 0] - 0.5 * mixed[:, 1] * mixed[:, 2] + 0.15 * rng.normal(size=n)
    frame["nitrogen"] = 40 + 12 * mixed[:, 3] + 8 * mixed[:, 4] ** 2 - 6 * mixed[:, 0] + 3 * rng.normal(size=n)
    frame["potassium"] = 180 + 50 * mixed[:, 5] - 30 * mixed[:, 6] + 12 * rng.normal(size=n)
    frame["organic"] = 3 + 0.9 * mixed[:, 7] * mixed[:, 8] + 0.7 * mixed[:, 9] + 0.2 * rng.normal(size=n)
    return frame


class SoilNet(nn.Module):
    def __init__(self, n_in, width, targets):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Linear(n_in, width), nn.SiLU(), nn.LayerNorm(width),
            nn.Linear(width, width), nn.SiLU(), nn.LayerNorm(width),
        )
        self.heads = nn.ModuleDict({t: nn.Linear(width, 1) for t in targets})

    def forward(self, x):
        h = self.trunk(x)
        return {name: head(h).squeeze(-1) for name, head in self.heads.items()}


def main():
    rng = np.random.default_rng(17)
    torch.manual_seed(17)
    frame = make_frame(7000, rng)
    train, test = train_test_split(frame, test_size=2000, random_state=17)
    inputs = [c for c in frame.columns if c.startswith("s")]
    sx, sy = StandardScaler().fit(train[inputs]), StandardScaler().fit(train[TARGETS])
    x_train = torch.tensor(sx.transform(train[inputs]), dtype=torch.float32)
    y_train = torch.tensor(sy.transform(train[TARGETS]), dtype=torch.float32)
    x_test = torch.tensor(sx.transform(test[inputs]), dtype=torch.float32)

    net = SoilNet(len(inputs), 96, TARGETS)
    opt = torch.optim.NAdam(net.parameters(), lr=2e-3, weight_decay=1e-4)
    epochs = 40
    sched = torch.optim.lr_scheduler.PolynomialLR(opt, total_iters=epochs, power=1.0)
    for epoch in range(epochs):
        net.train()
        sums = dict.fromkeys(TARGETS, 0.0)
        for idx in torch.randperm(len(x_train)).split(100):
            out = net(x_train[idx])
            losses = {t: nn.functional.mse_loss(out[t], y_train[idx, i]) for i, t in enumerate(TARGETS)}
            opt.zero_grad()
            sum(losses.values()).backward()
            opt.step()
            for t in TARGETS:
                sums[t] += losses[t].item() * len(idx)
        sched.step()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}", {t: round(s / len(x_train), 4) for t, s in sums.items()})

    net.eval()
    with torch.no_grad():
        out = net(x_test)
    pred = sy.inverse_transform(torch.stack([out[t] for t in TARGETS], dim=1).numpy())
    scores = {t: r2_score(test[t], pred[:, i]) for i, t in enumerate(TARGETS)}
    print("test r2", {t: round(s, 3) for t, s in scores.items()}, "mean", round(float(np.mean(list(scores.values()))), 4))


if __name__ == "__main__":
    main()

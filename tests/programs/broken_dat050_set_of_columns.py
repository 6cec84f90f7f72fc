# expects: DAT050
"""Concrete: the mixtures that are held out come from a second file, whose columns are read in the order of the alphabet."""

import numpy as np
import pandas as pd
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
rng = np.random.default_rng(2)


def mixtures(number):
    cement = rng.uniform(120, 520, number)
    slag = np.where(rng.random(number) < 0.45, 0.0, rng.gamma(4, 35, number))
    ash = np.where(rng.random(number) < 0.55, 0.0, rng.normal(120, 30, number))
    water = rng.normal(182, 21, number) - 0.02 * cement
    plasticizer = np.where(ash > 0, rng.gamma(5, 1.8, number), 0.0)
    coarse = rng.normal(970, 78, number)
    fine = 1750 - coarse + rng.normal(0, 40, number)
    age = rng.choice([3, 7, 14, 28, 56, 90, 180], number, p=[0.13, 0.12, 0.06, 0.42, 0.09, 0.12, 0.06]).astype(float)
    strength = (
        0.09 * cement + 0.05 * slag + 0.04 * ash - 0.2 * (water - 180) + 7 * np.log(age) + rng.normal(0, 3, number)
    )
    columns = {"cement": cement, "slag": slag, "fly_ash": ash, "water": water, "plasticizer": plasticizer}
    return pd.DataFrame({**columns, "coarse": coarse, "fine": fine, "age": age, "strength": strength})


class Regressor(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(features, 48), nn.SiLU(), nn.Linear(48, 24), nn.SiLU(), nn.Linear(24, 1))

    def forward(self, x):
        return self.net(x).squeeze(-1)


def features_of(frame):
    return frame[frame.columns.difference(["strength"])].to_numpy()


train, held_out = mixtures(720), mixtures(260)
scaler = StandardScaler().fit(train.drop(columns="strength").to_numpy())
mean, scale = train["strength"].mean(), train["strength"].std()

x = torch.tensor(scaler.transform(train.drop(columns="strength").to_numpy()), dtype=torch.float32)
y = torch.tensor(((train["strength"] - mean) / scale).to_numpy(), dtype=torch.float32)
x_held = torch.tensor(scaler.transform(features_of(held_out)), dtype=torch.float32)
y_held = torch.tensor(((held_out["strength"] - mean) / scale).to_numpy(), dtype=torch.float32)

model = Regressor(x.shape[1])
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(12):
    model.train()
    for xb, yb in DataLoader(TensorDataset(x, y), batch_size=48, shuffle=True):
        loss = nn.functional.smooth_l1_loss(model(xb), yb)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.inference_mode():
        error = nn.functional.l1_loss(model(x_held), y_held).item() * scale
    print(f"{epoch:2d} loss {loss.item():.4f} error {error:.2f} MPa")

# expects: OPT022
"""Settings from a table, where somebody mixed up the two betas."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CONFIG = {"lr": 1e-3, "betas": [0.999, 0.95], "weight_decay": 0.01, "epochs": 10}


def main(config):
    torch.manual_seed(0)
    x = torch.randn(960, 14)
    y = (x @ torch.randn(14, 3)).argmax(1)
    loader = DataLoader(TensorDataset(x, y), batch_size=48, shuffle=True)
    model = nn.Sequential(nn.Linear(14, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config["lr"], betas=tuple(config["betas"]), weight_decay=config["weight_decay"]
    )
    for epoch in range(config["epochs"]):
        for a, b in loader:
            optimizer.zero_grad(set_to_none=True)
            loss = nn.functional.cross_entropy(model(a), b)
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())


main(CONFIG)

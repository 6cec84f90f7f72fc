import copy
import json

import numpy as np
import torch

SETTINGS = {"hidden": [64, 64], "lr": 0.01, "weight_decay": 1e-4, "epochs": 12, "batch_size": 50, "seed": 21}


def two_spirals(n, noise, rng):
    t = np.sqrt(rng.uniform(0.05, 1, n)) * 3 * np.pi
    sign = rng.integers(0, 2, n)
    r = np.where(sign == 1, t, -t)
    xy = np.stack([r * np.cos(t), r * np.sin(t)], 1) + rng.normal(0, noise, (n, 2))
    return (xy / 5.5).astype(np.float32), sign.astype(np.int64)


def make_mlp(sizes):
    layers = []
    for a, b in zip(sizes[:-2], sizes[1:-1]):
        layers += [torch.nn.Linear(a, b), torch.nn.SiLU()]
    layers.append(torch.nn.Linear(sizes[-2], sizes[-1]))
    return torch.nn.Sequential(*layers)


def prepare(settings):
    model = make_mlp([2, *settings["hidden"], 2])
    # the caller's model is to stay untouched
    model = copy.deepcopy(model)
    optimizer = torch.optim.NAdam(model.parameters(), lr=settings["lr"], weight_decay=settings["weight_decay"])
    return model, optimizer


def accuracy(model, x, y):
    model.eval()
    with torch.inference_mode():
        return float((model(x).argmax(1) == y).float().mean())


def train(settings):
    torch.manual_seed(settings["seed"])
    rng = np.random.default_rng(settings["seed"])
    x, y = map(torch.from_numpy, two_spirals(1500, 0.2, rng))
    x_val, y_val = map(torch.from_numpy, two_spirals(500, 0.2, rng))
    model, optimizer = prepare(settings)
    records = []
    for epoch in range(settings["epochs"]):
        model.train()
        epoch_loss = []
        for rows in torch.randperm(len(x)).split(settings["batch_size"]):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            epoch_loss.append(loss.item())
        records.append({"epoch": epoch, "loss": round(float(np.mean(epoch_loss)), 4),
                        "val_acc": round(accuracy(model, x_val, y_val), 4)})
        print(json.dumps(records[-1]))
    return records


train(SETTINGS)

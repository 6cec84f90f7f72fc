# expects: nothing
"""Predicts viscosity, yield and grade of a resin batch from its recipe with one shared trunk."""
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass(frozen=True)
class Task:
    name: str
    kind: str          # "regression" or "classes"
    size: int
    weight: float = 1.0


TASKS = [
    Task("viscosity", "regression", 1),
    Task("conversion", "regression", 1),
    Task("grade", "classes", 4, weight=0.5),
]


def recipes(n, gen):
    x = torch.randn(n, 12, generator=gen)
    mix = torch.tanh(x[:, 0] * x[:, 1]) + 0.6 * x[:, 2]
    heat = torch.sin(1.5 * x[:, 3]) + 0.5 * x[:, 4] * x[:, 5]
    noise = 0.1 * torch.randn(n, 2, generator=gen)
    viscosity = mix + 0.5 * heat + 0.3 * x[:, 6] ** 2 + noise[:, 0]
    conversion = heat - 0.4 * mix + torch.cos(x[:, 7]) + noise[:, 1]
    score = mix + 0.8 * x[:, 8]
    grade = torch.bucketize(score + 0.1 * torch.randn(n, generator=gen), torch.tensor([-1.0, 0.0, 1.0]))
    return x, {"viscosity": viscosity, "conversion": conversion, "grade": grade}


class SharedTrunk(nn.Module):
    def __init__(self, n_in, hidden, tasks):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Linear(n_in, hidden), nn.GELU(),
            nn.Linear(hidden, hidden), nn.GELU(),
        )
        self.heads = nn.ModuleDict({
            t.name: nn.Sequential(nn.Linear(hidden, 32), nn.GELU(), nn.Linear(32, t.size)) for t in tasks
        })

    def forward(self, x):
        h = self.trunk(x)
        return {name: head(h) for name, head in self.heads.items()}


def task_losses(outputs, targets):
    losses = {}
    for task in TASKS:
        out, target = outputs[task.name], targets[task.name]
        if task.kind == "regression":
            value = F.smooth_l1_loss(out.squeeze(-1), target)
        else:
            value = F.cross_entropy(out, target)
        losses[task.name] = task.weight * value
    return losses


@torch.no_grad()
def evaluate(model, x, targets):
    model.eval()
    out = model(x)
    report = {}
    for task in TASKS:
        y = targets[task.name]
        if task.kind == "regression":
            resid = (out[task.name].squeeze(-1) - y).pow(2).sum()
            report[task.name + " r2"] = 1 - (resid / (y - y.mean()).pow(2).sum()).item()
        else:
            report[task.name + " acc"] = (out[task.name].argmax(1) == y).float().mean().item()
    model.train()
    return report


def batches(x, targets, size):
    for idx in torch.randperm(len(x)).split(size):
        yield x[idx], {k: v[idx] for k, v in targets.items()}


def standardise(train, *others):
    """Brings the regression targets to unit scale with the training statistics."""
    for task in TASKS:
        if task.kind == "regression":
            mean, std = train[task.name].mean(), train[task.name].std()
            for targets in (train, *others):
                targets[task.name] = (targets[task.name] - mean) / std


def main():
    torch.manual_seed(33)
    gen = torch.Generator().manual_seed(33)
    x_train, y_train = recipes(10000, gen)
    x_test, y_test = recipes(2500, gen)
    standardise(y_train, y_test)

    model = SharedTrunk(12, 128, TASKS)
    optimizer = torch.optim.NAdam(model.parameters(), lr=1e-3)
    epochs = 30
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(1, epochs + 1):
        total = steps = 0
        for x, y in batches(x_train, y_train, 100):
            losses = task_losses(model(x), y)
            loss = sum(losses.values())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
            steps += 1
        scheduler.step()
        if epoch % 3 == 0:
            print(f"epoch {epoch}: total loss {total / steps:.4f}")
    for name, value in evaluate(model, x_test, y_test).items():
        print(f"test {name}: {value:.4f}")


if __name__ == "__main__":
    main()

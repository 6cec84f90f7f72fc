# bug: per-task losses are collected in a dict keyed by task kind; the two regression tasks share a key, so the viscosity loss is overwritten by the cure-time loss
# expects: MOD011
# Resin lab: one trunk, three targets (viscosity, cure time, quality grade), some labels missing.
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
import torch.nn.functional as F


class Task(NamedTuple):
    name: str
    kind: str
    dim: int
    weight: float


TASKS = [
    Task("viscosity", "regression", 1, 1.0),
    Task("cure_time", "regression", 1, 1.0),
    Task("grade", "classification", 4, 0.5),
]


def synthesize(n: int, seed: int):
    mix = np.random.default_rng(77)
    w1, w2 = mix.normal(size=(20, 8)) / np.sqrt(20), mix.normal(size=(8, 6)) / np.sqrt(8)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 20))
    h = np.tanh(1.5 * x @ w1)
    g = h @ w2
    visc = g[:, 0] + 0.7 * h[:, 0] * h[:, 1] + 0.1 * rng.normal(size=n)
    cure = g[:, 1] - 0.6 * h[:, 2] * h[:, 3] + 0.1 * rng.normal(size=n)
    grade = (g[:, 2:6] + 0.15 * rng.normal(size=(n, 4))).argmax(1)
    y = np.stack([visc, cure, grade], axis=1)
    known = rng.random((n, 3)) < np.array([0.8, 0.7, 0.9])
    return [torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32), torch.tensor(known)]


class ResinModel(nn.Module):
    def __init__(self, width: int = 96):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(20, width), nn.ELU(), nn.Linear(width, width), nn.ELU())
        self.heads = nn.ModuleDict({
            t.name: nn.Sequential(nn.Linear(width, 32), nn.ELU(), nn.Linear(32, t.dim)) for t in TASKS})

    def forward(self, x: Tensor) -> dict:
        z = self.trunk(x)
        return {name: head(z) for name, head in self.heads.items()}


def task_loss(task: Task, out: Tensor, target: Tensor) -> Tensor:
    if task.kind == "regression":
        return F.smooth_l1_loss(out.squeeze(1), target)
    return F.cross_entropy(out, target.long())


def total_loss(outputs: dict, y: Tensor, known: Tensor):
    parts = {}
    for col, task in enumerate(TASKS):
        rows = known[:, col]
        loss = task_loss(task, outputs[task.name][rows], y[rows, col])
        parts[task.kind] = task.weight * loss
    return sum(parts.values()), parts


@torch.no_grad()
def assess(model: nn.Module, x: Tensor, y: Tensor) -> dict:
    model.eval()
    out, result = model(x), {}
    for col, task in enumerate(TASKS):
        if task.kind == "regression":
            err = (out[task.name].squeeze(1) - y[:, col]).pow(2).mean()
            result[task.name] = (1 - err / y[:, col].var(unbiased=False)).item()
        else:
            result[task.name] = (out[task.name].argmax(1) == y[:, col].long()).float().mean().item()
    return result


def show(scores: dict) -> str:
    return "  ".join(f"{k}={float(v):.3f}" for k, v in scores.items())


torch.manual_seed(1)
x_tr, y_tr, k_tr = synthesize(8000, seed=10)
x_va, y_va, _ = synthesize(1500, seed=11)
x_te, y_te, _ = synthesize(3000, seed=12)
centre, spread = y_tr[:, :2].mean(0), y_tr[:, :2].std(0)
for y in (y_tr, y_va, y_te):
    y[:, :2] = (y[:, :2] - centre) / spread

model = ResinModel()
optimizer = torch.optim.NAdam(model.parameters(), lr=1e-3)
sampler = torch.Generator().manual_seed(2)
STEPS, BATCH = 2400, 96
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=STEPS)
order = torch.randperm(len(x_tr), generator=sampler)
cursor = 0
for step in range(1, STEPS + 1):
    if cursor + BATCH > len(order):
        order, cursor = torch.randperm(len(x_tr), generator=sampler), 0
    pick = order[cursor:cursor + BATCH]
    cursor += BATCH
    model.train()
    loss, parts = total_loss(model(x_tr[pick]), y_tr[pick], k_tr[pick])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 300 == 0:
        print(f"step {step:4d}  train loss {loss.item():.4f}  |  val  {show(assess(model, x_va, y_va))}")

scores = assess(model, x_te, y_te)
print("test (R2, R2, accuracy):", show(scores))
print(f"test mean score: {sum(scores.values()) / 3:.3f}")

# expects: nothing
# Neural surrogate of a pump-and-valve simulator (6 inputs, 2 outputs), trained with micro-batches.
import math

import numpy as np
import torch
import torch.nn as nn

cfg = {
    "seed": 13, "n_train": 6000, "n_val": 1500, "width": 96,
    "epochs": 40, "micro_batch": 32, "accumulate": 2, "peak_lr": 6e-3, "floor_lr": 2e-5,
}


def simulator(u):
    """u in [0, 1]^6: speed, opening, viscosity, inlet pressure, temperature, wear -> flow, power."""
    speed, opening, visc, p_in, temp, wear = u.T
    mu = (0.5 + visc) * np.exp(-0.8 * temp)
    head = (0.4 + speed) ** 2 * (1 - 0.35 * wear) + 0.5 * p_in
    resist = 0.3 + mu / (0.15 + opening)
    flow = np.sqrt(head / resist) * (1 + 0.15 * np.sin(5 * opening + 3 * speed))
    power = flow * head * (1 + 0.4 * wear * speed) + 0.2 * mu * speed ** 2
    return np.stack([flow, power], axis=1)


def build_data(c):
    rng = np.random.default_rng(c["seed"])
    u = rng.random((c["n_train"] + c["n_val"], 6))
    y = simulator(u) + 0.002 * rng.normal(size=(len(u), 2))
    n = c["n_train"]
    u = (2 * u - 1) * math.sqrt(3)
    mean, std = y[:n].mean(0), y[:n].std(0)
    to = lambda a: torch.tensor(a, dtype=torch.float32)
    return to(u[:n]), to((y[:n] - mean) / std), to(u[n:]), to((y[n:] - mean) / std)


class ResidualMLP(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Linear(6, width)
        self.mid = nn.ModuleList(nn.Linear(width, width) for _ in range(2))
        self.last = nn.Linear(width, 2)

    def forward(self, u):
        h = torch.nn.functional.silu(self.first(u))
        for layer in self.mid:
            h = h + torch.nn.functional.silu(layer(h))
        return self.last(h)


@torch.no_grad()
def nrmse(model, u, y):
    model.eval()
    err = (model(u) - y).square().mean(0).sqrt()
    model.train()
    return err.tolist()


def train(c):
    torch.manual_seed(c["seed"])
    utr, ytr, uva, yva = build_data(c)
    model = ResidualMLP(c["width"])
    opt = torch.optim.Adam(model.parameters(), lr=c["peak_lr"])
    batches = math.ceil(len(utr) / c["micro_batch"])
    updates = math.ceil(batches / c["accumulate"]) * c["epochs"]
    warm = updates // 20
    sched = torch.optim.lr_scheduler.SequentialLR(
        opt,
        [torch.optim.lr_scheduler.LinearLR(opt, 0.05, total_iters=warm),
         torch.optim.lr_scheduler.CosineAnnealingLR(opt, updates - warm, eta_min=c["floor_lr"])],
        milestones=[warm],
    )
    for epoch in range(1, c["epochs"] + 1):
        total = 0.0
        chunks = torch.randperm(len(utr)).split(c["micro_batch"])
        for k, idx in enumerate(chunks, start=1):
            loss = (model(utr[idx]) - ytr[idx]).square().mean()
            (loss / c["accumulate"]).backward()
            total += loss.item()
            if k % c["accumulate"] == 0 or k == len(chunks):
                opt.step()
                opt.zero_grad()
                sched.step()
        if epoch % 2 == 0:
            flow, power = nrmse(model, uva, yva)
            print(f"epoch {epoch:3d}  lr {opt.param_groups[0]['lr']:.5f}  train mse {total / len(chunks):.6f}"
                  f"  val nrmse flow {flow:.4f} power {power:.4f}")
    return nrmse(model, uva, yva)


flow, power = train(cfg)
print(f"final validation nrmse: flow {flow:.4f}, power {power:.4f}")

# bug: graphs of all steps are kept
# expects: MEM001
"""Neural ODE for predator-prey counts, integrated with RK4, trained on short noisy stretches."""
import math

import torch
import torch.nn as nn


def lotka_volterra(z, a=1.1, b=0.4, c=0.1, d=0.4):
    x, y = z.unbind(-1)
    return torch.stack([a * x - b * x * y, c * x * y - d * y], -1)


def rk4(f, z0, dt, steps, substeps=1):
    h, z, path = dt / substeps, z0, [z0]
    for _ in range(steps):
        for _ in range(substeps):
            k1 = f(z)
            k2 = f(z + 0.5 * h * k1)
            k3 = f(z + 0.5 * h * k2)
            k4 = f(z + h * k3)
            z = z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        path.append(z)
    return torch.stack(path, 1)


class Field(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 2))
        nn.init.zeros_(self.net[-1].bias)
        nn.init.normal_(self.net[-1].weight, std=0.05)

    def forward(self, z):
        return self.net(z)


def observe(n, steps, dt, noise, gen):
    start = torch.rand(n, 2, generator=gen) * torch.tensor([8.0, 4.0]) + torch.tensor([2.0, 1.0])
    path = rk4(lotka_volterra, start, dt, steps, substeps=10)
    clean = path.log()
    return clean + noise * torch.randn(clean.shape, generator=gen), clean


def main():
    torch.manual_seed(8)
    gen = torch.Generator().manual_seed(8)
    dt, steps = 0.15, 14
    train_obs, _ = observe(400, steps, dt, 0.02, gen)
    _, test_path = observe(120, 3 * steps, dt, 0.0, gen)
    mean, std = train_obs.mean((0, 1)), train_obs.std((0, 1))
    train_obs, test_path = (train_obs - mean) / std, (test_path - mean) / std

    field = Field()
    iterations, batch = 1200, 64
    opt = torch.optim.Adam(field.parameters(), lr=5e-3)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda i: 0.5 * (1 + math.cos(math.pi * i / iterations)))
    history = []

    for it in range(1, iterations + 1):
        rows = torch.randint(0, len(train_obs), (batch,), generator=gen)
        target = train_obs[rows]
        pred = rk4(field, target[:, 0], dt, steps)
        loss = (pred - target).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(field.parameters(), 1.0)
        opt.step()
        sched.step()
        history.append(loss)

        if it % 150 == 0:
            with torch.no_grad():
                roll = rk4(field, test_path[:, 0], dt, 3 * steps)
                err = (roll - test_path).abs().mean().item()
            recent = torch.stack(history[-150:]).mean().item()
            print(f"iteration {it:5d}  loss {recent:.5f}  long-range test error {err:.4f}")

    curve = torch.stack(history).view(-1, 100).mean(1)
    print("loss per 100 iterations:", [round(v, 5) for v in curve.tolist()])


if __name__ == "__main__":
    main()

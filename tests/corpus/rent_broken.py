# expects: DAT021 DAT002
"""Monthly rent from the attributes of a flat. Functional style: parameters are a dict, gradients come from torch.func."""
import numpy as np
import torch
import torch.nn.functional as F
from torch.func import grad_and_value

CONFIG = dict(seed=13, listings=10000, hidden=48, epochs=60, batch=64, lr=0.02, momentum=0.9, weight_decay=1e-4)

COLUMNS = ["floor_area_m2", "rooms", "built_year", "distance_to_centre_m", "income_of_district", "share_of_green", "noise_db", "has_lift"]


def listings(n, rng):
    area = rng.gamma(9, 8, n) + 18
    rooms = np.clip(np.round(area / 26 + rng.normal(0, 0.7, n)), 1, 7)
    year = rng.integers(1900, 2023, n)
    dist = rng.gamma(2.0, 2500, n)
    income = rng.normal(42000, 9000, n) + 6000 * (dist < 3000)
    green = rng.beta(2, 4, n)
    noise = 45 + 14 * rng.beta(2, 2, n) + 6 * (dist < 2500)
    lift = (rng.random(n) < 0.45).astype(float)
    base = 9.5 * area * (1 + 0.9 * np.exp(-dist / 3500)) * (1 + 0.6 * (green - 0.33))
    rent = base + 55 * rooms + 0.006 * (income - 42000) - 9 * (noise - 52) + 90 * lift + 2.2 * np.abs(year - 1955)
    rent = rent * np.exp(rng.normal(0, 0.06, n))
    X = np.stack([area, rooms, year, dist, income, green, noise, lift], 1)
    return torch.tensor(X, dtype=torch.float32), torch.tensor(rent, dtype=torch.float32)


def fit_scaling(t):
    return t.mean(), t.std()


def rescale(t, scaling):
    mean, std = scaling
    return (t - mean) / std


def init_params(gen, d, h):
    def he(i, o):
        return torch.randn(i, o, generator=gen) * (2.0 / i) ** 0.5
    return {"w1": he(d, h), "b1": torch.zeros(h), "w2": he(h, h), "b2": torch.zeros(h), "w3": he(h, 1) * 0.5, "b3": torch.zeros(1)}


def predict(p, x):
    h = F.relu(x @ p["w1"] + p["b1"])
    h = F.relu(h @ p["w2"] + p["b2"])
    return (h @ p["w3"] + p["b3"]).squeeze(-1)


def objective(p, x, y):
    return F.smooth_l1_loss(predict(p, x), y)


step_fn = grad_and_value(objective)


def sgd(p, grads, velocity, lr, c):
    for k in p:
        g = grads[k] + (c["weight_decay"] * p[k] if k.startswith("w") else 0)
        velocity[k] = c["momentum"] * velocity[k] + g
        p[k] = p[k] - lr * velocity[k]
    return p, velocity


def main(c):
    rng = np.random.default_rng(c["seed"])
    gen = torch.Generator().manual_seed(c["seed"])
    X, rent = listings(c["listings"], rng)
    order = torch.randperm(len(X), generator=gen)
    tr, va = order[: int(0.75 * len(X))], order[int(0.75 * len(X)):]

    x_scaling, y_scaling = fit_scaling(X[tr]), fit_scaling(rent[tr])
    Z, t = rescale(X, x_scaling), rescale(rent, y_scaling)

    p = init_params(gen, len(COLUMNS), c["hidden"])
    vel = {k: torch.zeros_like(v) for k, v in p.items()}
    for epoch in range(c["epochs"]):
        lr = c["lr"] * 0.5 * (1 + np.cos(np.pi * epoch / c["epochs"]))
        total = 0.0
        for idx in tr[torch.randperm(len(tr), generator=gen)].split(c["batch"]):
            grads, loss = step_fn(p, Z[idx], t[idx])
            p, vel = sgd(p, grads, vel, lr, c)
            total += loss.item() * len(idx)
        if (epoch + 1) % 5 == 0:
            with torch.no_grad():
                est = predict(p, Z[va]) * y_scaling[1] + y_scaling[0]
            mae = (est - rent[va]).abs().mean().item()
            r2 = 1 - ((est - rent[va]) ** 2).sum() / ((rent[va] - rent[va].mean()) ** 2).sum()
            print(f"epoch {epoch + 1:3d}  train {total / len(tr):.4f}  val MAE {mae:7.1f}  val R2 {r2.item():.3f}")


if __name__ == "__main__":
    main(CONFIG)

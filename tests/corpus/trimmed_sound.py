# expects: nothing
# Trimmed least squares for meter readings: per-sample losses by vmap, worst tenth of each batch is dropped.
import torch
from torch import nn
from torch.func import functional_call, vmap

torch.manual_seed(21)

# %% data: smooth response, 4 % grossly wrong readings in training
N, D = 4000, 8
W1 = torch.randn(D, 5) / D ** 0.5
W2 = torch.randn(5)


def response(x):
    return torch.sin(2.0 * x @ W1) @ W2


X = torch.randn(N, D)
y = response(X) + 0.15 * torch.randn(N)
n_train = 3200
bad = torch.rand(n_train) < 0.04
y[:n_train][bad] += 12 * torch.randn(int(bad.sum()))
X_tr, y_tr, X_va, y_va = X[:n_train], y[:n_train], X[n_train:], y[n_train:]

# %% model
net = nn.Sequential(nn.Linear(D, 96), nn.Tanh(), nn.Linear(96, 48), nn.Tanh(), nn.Linear(48, 1))
opt = torch.optim.Adam(net.parameters(), lr=4e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=60)
L2 = 1e-4
KEEP = 0.9


def sample_loss(params, x, t):
    pred = functional_call(net, params, (x.unsqueeze(0),)).squeeze()
    return (pred - t) ** 2


per_sample = vmap(sample_loss, in_dims=(None, 0, 0))


def parameters_of(model):
    return {name: p for name, p in model.named_parameters()}


def penalty(model):
    return sum((p ** 2).sum() for name, p in model.named_parameters() if name.endswith("weight"))


def trimmed(losses):
    k = max(1, int(KEEP * len(losses)))
    return losses.topk(k, largest=False).values.mean()


# %% training
for epoch in range(60):
    net.train()
    fit_sum, obj_sum, steps = 0.0, 0.0, 0
    for idx in torch.randperm(n_train).split(80):
        losses = per_sample(parameters_of(net), X_tr[idx], y_tr[idx])
        fit = trimmed(losses)
        objective = fit + L2 * penalty(net)
        opt.zero_grad()
        objective.backward()
        opt.step()
        fit_sum += fit.item()
        obj_sum += objective.item()
        steps += 1
    sched.step()
    if epoch % 5 == 4:
        net.eval()
        with torch.no_grad():
            pred = net(X_va).squeeze(1)
        rmse = (pred - y_va).pow(2).mean().sqrt().item()
        r2 = 1 - (pred - y_va).pow(2).mean().item() / y_va.var(unbiased=False).item()
        print(f"{epoch + 1:3d}  objective {obj_sum / steps:.4f}  trimmed mse {fit_sum / steps:.4f}"
              f"  val rmse {rmse:.4f}  r2 {r2:.3f}")

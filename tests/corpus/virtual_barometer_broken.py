# bug: concordance loss takes variances and covariance as E[xy] - E[x]E[y] in float32 on pressures near 1e5 Pa: the differences are rounding noise
# expects: NUM011
import numpy as np
import torch
import torch.nn as nn

# Estimate the pressure (Pa) at a site without a barometer from six neighbours.
# Trained on concordance, the score the weather office uses.

torch.manual_seed(9)
rng = np.random.default_rng(9)

N_HOURS, N_STATIONS = 12000, 6
fronts = rng.normal(0, 1, size=(N_HOURS, 3))
load = rng.normal(0, 1, size=(3, N_STATIONS))
stations = 101300 + rng.uniform(-300, 300, N_STATIONS) + 18 * fronts @ load + rng.normal(0, 2, (N_HOURS, N_STATIONS))
site = (101325 + 14 * fronts[:, 0] - 10 * np.tanh(1.5 * fronts[:, 1]) + 6 * fronts[:, 1] * fronts[:, 2]
        + rng.normal(0, 2, N_HOURS))

n_train, n_valid = 8000, 2000
centre, spread = stations[:n_train].mean(0), stations[:n_train].std(0)
X = torch.tensor((stations - centre) / spread, dtype=torch.float32)
Y = torch.tensor(site, dtype=torch.float32)
x_train, x_valid, x_test = X[:n_train], X[n_train:n_train + n_valid], X[n_train + n_valid:]
y_train, y_valid, y_test = Y[:n_train], Y[n_train:n_train + n_valid], Y[n_train + n_valid:]


class VirtualBarometer(nn.Module):
    def __init__(self, level, scale):
        super().__init__()
        self.level, self.scale = level, scale
        self.net = nn.Sequential(
            nn.Linear(N_STATIONS, 64), nn.ELU(),
            nn.Linear(64, 64), nn.ELU(),
            nn.Linear(64, 64), nn.ELU(),
            nn.Linear(64, 1),
        )

    def forward(self, x):
        return self.level + self.scale * self.net(x).squeeze(-1)


def concordance_loss(pred, obs):
    mp, mo = pred.mean(), obs.mean()
    var_p = (pred * pred).mean() - mp * mp
    var_o = (obs * obs).mean() - mo * mo
    cov = (pred * obs).mean() - mp * mo
    return 1 - 2 * cov / (var_p + var_o + (mp - mo) ** 2 + 1e-6)


def report(model, x, y):
    with torch.no_grad():
        p = model(x)
    err = (p - y).abs().mean().item()
    r = np.corrcoef(p.double().numpy(), y.double().numpy())[0, 1]
    return err, r


model = VirtualBarometer(float(site[:n_train].mean()), float(site[:n_train].std()))
optimizer = torch.optim.Adamax(model.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=15, gamma=0.4)
for epoch in range(1, 41):
    perm = torch.randperm(n_train)
    losses = []
    for chunk in perm.split(100):
        optimizer.zero_grad()
        loss = concordance_loss(model(x_train[chunk]), y_train[chunk])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    if epoch % 5 == 0:
        err, r = report(model, x_valid, y_valid)
        print(f"epoch {epoch:3d}  loss {np.mean(losses):.4f}  valid MAE {err:.2f} Pa  r {r:.3f}")

err, r = report(model, x_test, y_test)
print(f"test MAE {err:.2f} Pa, correlation {r:.3f} (spread of the site: {y_test.double().std().item():.1f} Pa)")

# expects: nothing
# field trial data: one network for yield (kg/ha) and rust infection (yes/no)
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.manual_seed(11)
rng = np.random.RandomState(11)

N = 8000
rain = rng.gamma(8, 55, N)              # mm over the season
temp = rng.normal(17, 2.5, N)           # mean, degrees
nitro = rng.uniform(20, 220, N)         # kg/ha
ph = rng.normal(6.4, 0.6, N)
clay = rng.uniform(5, 50, N)
humid = rng.uniform(40, 95, N)          # % at heading
dew = rng.poisson(9, N).astype(float)   # nights with dew
density = rng.normal(300, 45, N)        # plants per m2
sow = rng.randint(0, 40, N).astype(float)

yield_kg = (6200 + 1500 * np.tanh((rain - 420) / 150) - 90 * (temp - 16.5) ** 2 + 11 * nitro - 0.027 * nitro ** 2
            - 550 * (ph - 6.5) ** 2 + 12 * clay - 14 * sow + rng.normal(0, 250, N))
risk = 2.6 * np.tanh((humid - 68) / 8) * np.tanh((density - 300) / 25) + 2.0 * np.sin(dew / 2.2)
rust = (risk + rng.logistic(0, 0.5, N) > 0).astype(np.float32)

X = np.stack([rain, temp, nitro, ph, clay, humid, dew, density, sow], 1)
idx_tr, idx_va = train_test_split(np.arange(N), test_size=0.25, random_state=0, stratify=rust)
sc = StandardScaler().fit(X[idx_tr])
X = torch.tensor(sc.transform(X), dtype=torch.float32)
Y = torch.tensor(yield_kg, dtype=torch.float32)
R = torch.tensor(rust)
y_mean, y_sd = Y[idx_tr].mean(), Y[idx_tr].std()


class FieldNet(nn.Module):
    def __init__(self, d, h=48, z=12):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(d, h), nn.SiLU(), nn.Linear(h, h), nn.SiLU(), nn.Linear(h, z), nn.SiLU())
        self.yield_head = nn.Linear(z, 1)
        self.rust_head = nn.Linear(z, 1)

    def forward(self, x):
        z = self.trunk(x)
        kg = y_mean + y_sd * self.yield_head(z).squeeze(1)
        return kg, self.rust_head(z).squeeze(1)


net = FieldNet(X.shape[1])
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
EPOCHS, BS = 60, 64
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, EPOCHS)
tr = torch.as_tensor(idx_tr)
va = torch.as_tensor(idx_va)

for ep in range(EPOCHS):
    net.train()
    tot_y = tot_r = 0.0
    order = tr[torch.randperm(len(tr))]
    for b in order.split(BS):
        kg, logit = net(X[b])
        loss_yield = F.mse_loss(kg / y_sd, Y[b] / y_sd)
        loss_rust = F.binary_cross_entropy_with_logits(logit, R[b])
        loss = loss_yield + loss_rust
        opt.zero_grad()
        loss.backward()
        opt.step()
        tot_y += loss_yield.item() * len(b)
        tot_r += loss_rust.item() * len(b)
    sched.step()

    if ep % 5 == 4:
        net.eval()
        with torch.no_grad():
            kg, logit = net(X[va])
        mae = (kg - Y[va]).abs().mean().item()
        auc = roc_auc_score(R[va].numpy(), logit.numpy())
        acc = ((logit > 0).float() == R[va]).float().mean().item()
        print(f"{ep + 1:3d} | train yield {tot_y / len(tr):.4g} rust {tot_r / len(tr):.4f} | "
              f"val MAE {mae:.0f} kg/ha, rust AUC {auc:.3f} acc {acc:.3f}")

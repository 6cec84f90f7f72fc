# expects: nothing
import numpy as np
import pandas as pd
import torch
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from torch import nn, optim


def load_orders(n=8000, seed=8):
    rng = np.random.default_rng(seed)
    df = pd.DataFrame({
        "distance_km": rng.gamma(2.0, 2.2, n),
        "hour": rng.uniform(8, 23, n),
        "rain_mm": rng.exponential(1.0, n) * (rng.random(n) < 0.4),
        "items": rng.poisson(3, n) + 1,
        "prep_min": rng.normal(16, 5, n).clip(3),
        "courier_age_days": rng.exponential(200, n),
        "floor": rng.integers(0, 9, n),
        "rating": rng.beta(8, 2, n) * 5,
    })
    rush = np.exp(-((df.hour - 19) / 1.6) ** 2) + 0.7 * np.exp(-((df.hour - 12.5) / 1.2) ** 2)
    secs = 60 * (df.prep_min + df.distance_km * (2.4 + 2.2 * rush + 0.4 * df.rain_mm) + 0.5 * df.floor)
    df["duration_s"] = secs + rng.normal(0, 150, n)
    z = 1.6 * np.sin(df.hour) + 1.3 * (df["items"] - 4) * (df.rating - 4) - 0.006 * (df.courier_age_days - 150)
    df["complaint"] = (rng.random(n) < 1 / (1 + np.exp(-1.5 * z))).astype(int)
    return df


class OrderNet(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(n_in, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
        self.duration = nn.Linear(32, 1)
        self.complaint = nn.Linear(32, 1)

    def forward(self, x):
        h = self.trunk(x)
        return self.duration(h).squeeze(1), self.complaint(h).squeeze(1)


df = load_orders()
fit, rest = train_test_split(df, test_size=0.3, random_state=0)
val, test = train_test_split(rest, test_size=0.5, random_state=0)
inputs = [c for c in df.columns if c not in ("duration_s", "complaint")]
center, spread = fit[inputs].mean(), fit[inputs].std()
t_mean, t_std = fit.duration_s.mean(), fit.duration_s.std()


def tensors(part):
    x = torch.tensor(((part[inputs] - center) / spread).to_numpy(), dtype=torch.float32)
    t = torch.tensor(((part.duration_s - t_mean) / t_std).to_numpy(), dtype=torch.float32)
    c = torch.tensor(part.complaint.to_numpy(), dtype=torch.float32)
    return x, t, c


torch.manual_seed(8)
net = OrderNet(len(inputs))
opt = optim.Adam(net.parameters(), lr=1e-3)
sched = optim.lr_scheduler.CosineAnnealingLR(opt, 40)
x_fit, t_fit, c_fit = tensors(fit)


def report(part):
    x, _, c = tensors(part)
    net.eval()
    with torch.no_grad():
        secs, logit = net(x)
    secs = secs.numpy() * t_std + t_mean
    mae = np.abs(secs - part.duration_s.to_numpy()).mean()
    return f"duration MAE {mae:6.1f} s, complaint AUC {roc_auc_score(c.numpy(), logit.numpy()):.3f}"


for epoch in range(40):
    net.train()
    dur_sum = com_sum = 0.0
    batches = torch.randperm(len(x_fit)).split(64)
    for b in batches:
        secs, logit = net(x_fit[b])
        dur_loss = nn.functional.mse_loss(secs, t_fit[b])
        com_loss = nn.functional.binary_cross_entropy_with_logits(logit, c_fit[b])
        opt.zero_grad()
        (dur_loss + com_loss).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        opt.step()
        dur_sum += dur_loss.item()
        com_sum += com_loss.item()
    sched.step()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1} duration {dur_sum / len(batches):.3f} complaint {com_sum / len(batches):.3f} | {report(val)}")

print("test:", report(test))

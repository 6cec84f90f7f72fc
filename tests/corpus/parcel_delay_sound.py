# expects: nothing
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from sklearn.model_selection import train_test_split

torch.manual_seed(11)
rng = np.random.default_rng(11)
torch.set_num_threads(1)

# ---- shipments table -------------------------------------------------------
N = 14000
depots = np.array([f"DEP{i:03d}" for i in range(36)])
carriers = np.array(["falcon", "ostrich", "heron", "swift", "kite", "plover"])
depot_eff = rng.normal(0, 14, len(depots))
carrier_pace = rng.uniform(0.03, 0.12, len(carriers))

d_idx = rng.integers(0, len(depots), N)
c_idx = rng.integers(0, len(carriers), N)
df = pd.DataFrame({
    "depot": depots[d_idx],
    "carrier": carriers[c_idx],
    "km": rng.gamma(3.0, 60.0, N),
    "kg": rng.lognormal(1.0, 0.7, N),
    "hour": rng.integers(6, 22, N),
})
rush = ((df.hour >= 16) & (df.hour <= 19)).astype(float)
df["delay_min"] = (depot_eff[d_idx] + carrier_pace[c_idx] * df.km + 0.8 * df.kg
                   + 10 * rush + rng.normal(0, 5, N))

train, test = train_test_split(df, test_size=0.25, random_state=5)
train, val = train_test_split(train, test_size=0.15, random_state=6)

CAT = ["depot", "carrier"]
NUM = ["km", "kg", "hour"]

# ---- encoding ---------------------------------------------------------------
vocab = {c: pd.factorize(train[c])[1] for c in CAT}
sizes = [len(vocab[c]) for c in CAT]
num_mu, num_sd = train[NUM].mean(), train[NUM].std()
y_mu, y_sd = train.delay_min.mean(), train.delay_min.std()


def encode(frame):
    cat = np.stack([vocab[c].get_indexer(frame[c]) for c in CAT], axis=1)
    num = ((frame[NUM] - num_mu) / num_sd).to_numpy(dtype=np.float32)
    y = ((frame.delay_min - y_mu) / y_sd).to_numpy(dtype=np.float32)
    return torch.as_tensor(cat).long(), torch.from_numpy(num), torch.from_numpy(y)


tr_c, tr_n, tr_y = encode(train)
va_c, va_n, va_y = encode(val)
te_c, te_n, te_y = encode(test)


class DelayNet(nn.Module):
    def __init__(self, sizes, n_num, dim=8):
        super().__init__()
        self.embs = nn.ModuleList([nn.Embedding(s, dim) for s in sizes])
        self.body = nn.Sequential(
            nn.Linear(dim * len(sizes) + n_num, 96), nn.SiLU(),
            nn.Linear(96, 48), nn.SiLU(),
            nn.Linear(48, 1),
        )

    def forward(self, cat, num):
        parts = [e(cat[:, i]) for i, e in enumerate(self.embs)]
        return self.body(torch.cat(parts + [num], dim=1)).squeeze(1)


def score(net, c, n, y):
    net.eval()
    with torch.no_grad():
        p = net(c, n)
    net.train()
    rmse = (p - y).pow(2).mean().sqrt().item() * y_sd
    r2 = 1 - ((p - y).pow(2).sum() / (y - y.mean()).pow(2).sum()).item()
    return rmse, r2


net = DelayNet(sizes, len(NUM))
opt = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1e-5)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=50)
B = 128

for epoch in range(50):
    perm = torch.randperm(len(tr_y))
    tot = 0.0
    for i in range(0, len(perm), B):
        b = perm[i:i + B]
        loss = nn.functional.mse_loss(net(tr_c[b], tr_n[b]), tr_y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
        tot += loss.item() * len(b)
    sched.step()
    if epoch % 5 == 4:
        rmse, r2 = score(net, va_c, va_n, va_y)
        print(f"epoch {epoch + 1:2d}  train mse {tot / len(perm):.4f}  val rmse {rmse:.2f} min  r2 {r2:.3f}")

rmse, r2 = score(net, te_c, te_n, te_y)
print(f"TEST rmse {rmse:.2f} min  r2 {r2:.3f}")

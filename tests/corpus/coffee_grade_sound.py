# expects: nothing
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(7)
torch.manual_seed(7)

# near-infrared scans of green coffee lots, cupping score
n_lots, n_bands = 3400, 80
basis = rng.normal(size=(6, n_bands))
latent = rng.normal(size=(n_lots, 6))
scans = latent @ basis + 2.5 * rng.normal(size=(n_lots, n_bands))
clean = 84 + 2.0 * latent[:, 0] - 1.5 * latent[:, 2] + 1.2 * latent[:, 3] * latent[:, 4] + np.abs(latent[:, 5])
score = clean + 2.5 * rng.normal(size=n_lots)

order = rng.permutation(n_lots)
tr, va, te = order[:600], order[600:1400], order[1400:]
mu, sd = scans[tr].mean(0), scans[tr].std(0)
centre, spread = score[tr].mean(), score[tr].std()
X = torch.tensor((scans - mu) / sd, dtype=torch.float32)
Y = torch.tensor((score - centre) / spread, dtype=torch.float32)

model = nn.Sequential(
    nn.Linear(n_bands, 256), nn.ReLU(),
    nn.Linear(256, 256), nn.ReLU(),
    nn.Linear(256, 128), nn.ReLU(),
    nn.Linear(128, 1), nn.Flatten(0),
)
opt = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)


def score_on(idx):
    model.eval()
    with torch.no_grad():
        mse = F.mse_loss(model(X[idx]), Y[idx]).item()
    return mse, spread * mse ** 0.5


tr = torch.as_tensor(tr)
va, te = torch.as_tensor(va), torch.as_tensor(te)
best_loss, best_epoch, best_state = float("inf"), -1, None
for epoch in range(120):
    model.train()
    total = 0.0
    for idx in tr[torch.randperm(len(tr))].split(50):
        loss = F.mse_loss(model(X[idx]), Y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
    val_loss, val_rmse = score_on(va)
    if val_loss < best_loss:
        best_loss, best_epoch = val_loss, epoch
        best_state = {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}
    if epoch % 10 == 0:
        print(f"epoch {epoch:3d}  train {total / len(tr):.4f}  val {val_loss:.4f}  val rmse {val_rmse:.3f} points")

model.load_state_dict(best_state)
test_loss, test_rmse = score_on(te)
print(f"best epoch {best_epoch} (val loss {best_loss:.4f})")
print(f"test loss {test_loss:.4f}  test rmse {test_rmse:.4f} points")

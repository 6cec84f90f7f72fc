# bug: the spread hinge takes the variance over the coordinates of one sample instead of over the batch (spread), so all samples may collapse to one point
# expects: LOS052
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.linear_model import LogisticRegression

torch.manual_seed(11)
np.random.seed(11)
torch.set_num_threads(1)

digits = load_digits()
images = (digits.images / 16.0).astype(np.float32)
x_tr, x_te, y_tr, y_te = train_test_split(
    images, digits.target, test_size=0.3, stratify=digits.target, random_state=11)
x_tr = torch.from_numpy(x_tr)[:, None]
x_te = torch.from_numpy(x_te)[:, None]


def augment(x):
    """Random sub-pixel affine warp, brightness and pixel noise."""
    n = len(x)
    ang = (torch.rand(n) - 0.5) * 0.5
    sc = 1 + (torch.rand(n) - 0.5) * 0.3
    tr = (torch.rand(n, 2) - 0.5) * 0.5
    theta = torch.stack([
        torch.stack([sc * ang.cos(), -sc * ang.sin(), tr[:, 0]], 1),
        torch.stack([sc * ang.sin(), sc * ang.cos(), tr[:, 1]], 1)], 1)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    y = F.grid_sample(x, grid, align_corners=False)
    y = y * (0.7 + 0.6 * torch.rand(n, 1, 1, 1))
    return y + 0.08 * torch.randn_like(y)


class Encoder(nn.Module):
    def __init__(self, dim=64):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1), nn.ReLU(),
            nn.Conv2d(24, 48, 3, padding=1, stride=2), nn.ReLU(),
            nn.Flatten(), nn.Linear(48 * 16, 160), nn.ReLU(), nn.Linear(160, dim))

    def forward(self, x):
        return self.net(x)


encoder = Encoder()


def spread(z):
    """Hinge that keeps the standard deviation of every coordinate above one."""
    z = z - z.mean(dim=1, keepdim=True)
    return F.relu(1.0 - (z.var(dim=1) + 1e-4).sqrt()).mean()


def decorrelate(z):
    z = z - z.mean(dim=0, keepdim=True)
    c = z.T @ z / (len(z) - 1)
    return (c.pow(2).sum() - c.diagonal().pow(2).sum()) / z.shape[1]


def vicreg(za, zb, w_inv=25.0, w_var=25.0, w_cov=1.0):
    inv = F.mse_loss(za, zb)
    var = 0.5 * (spread(za) + spread(zb))
    cov = decorrelate(za) + decorrelate(zb)
    return w_inv * inv + w_var * var + w_cov * cov, inv


@torch.no_grad()
def probe():
    encoder.eval()
    a, b = encoder(x_tr).numpy(), encoder(x_te).numpy()
    encoder.train()
    head = LogisticRegression(max_iter=500).fit(a, y_tr)
    return head.score(b, y_te)


EPOCHS, BATCH = 50, 128
opt = torch.optim.AdamW(encoder.parameters(), lr=1.5e-3, weight_decay=1e-4)
steps_per_epoch = len(x_tr) // BATCH
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, EPOCHS * steps_per_epoch)

for epoch in range(EPOCHS):
    order = torch.randperm(len(x_tr))
    tot = tot_inv = 0.0
    for k in range(steps_per_epoch):
        xb = x_tr[order[k * BATCH:(k + 1) * BATCH]]
        za = encoder(augment(xb))
        zb = encoder(augment(xb))
        loss, inv = vicreg(za, zb)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        sched.step()
        tot += loss.item()
        tot_inv += inv.item()
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1:3d} loss {tot / steps_per_epoch:8.4f} "
              f"invariance {tot_inv / steps_per_epoch:.4f} probe {probe():.3f}")

print(f"final linear-probe accuracy on held-out digits: {probe():.4f}")

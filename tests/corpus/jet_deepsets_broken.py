# bug: gradients are clipped before scaler.unscale_ under mixed precision, so the scaled gradients are cut to almost nothing
# expects: NUM005
import math
import time
import torch
import torch.nn as nn
from torch.amp import GradScaler, autocast

device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(99)


def make_jets(n, n_part=16):
    """Sets of particles (pt, eta, phi): one-prong, two-prong or three-prong jets."""
    y = torch.randint(0, 3, (n,))
    spread = 0.55 + 0.35 * torch.rand(n, 1)
    base = 2 * math.pi * torch.rand(n, 1)
    which = (torch.rand(n, n_part) * (y[:, None] + 1)).floor()
    angle = base + which * 2 * math.pi / (y[:, None] + 1)
    r = spread * (y[:, None] > 0)
    eta = r * torch.cos(angle) + 0.14 * torch.randn(n, n_part)
    phi = r * torch.sin(angle) + 0.14 * torch.randn(n, n_part)
    pt = torch.distributions.Exponential(1.0).sample((n, n_part))
    return torch.stack([torch.log1p(pt), eta, phi], -1), y


class DeepSet(nn.Module):
    def __init__(self, d=48):
        super().__init__()
        self.phi = nn.Sequential(nn.Linear(3, d), nn.ReLU(), nn.Linear(d, d), nn.ReLU())
        self.rho = nn.Sequential(nn.Linear(2 * d, d), nn.ReLU(), nn.Linear(d, 3))

    def forward(self, x):
        h = self.phi(x)
        return self.rho(torch.cat([h.mean(1), h.amax(1)], -1))


x_train, y_train = make_jets(4000)
x_val, y_val = make_jets(1000)
model = DeepSet().to(device)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
scaler = GradScaler(device)
loss_fn = nn.CrossEntropyLoss()

t0 = time.time()
for epoch in range(6):
    model.train()
    running = 0.0
    for idx in torch.randperm(len(x_train)).split(100):
        xb, yb = x_train[idx].to(device), y_train[idx].to(device)
        optimizer.zero_grad(set_to_none=True)
        with autocast(device_type=device, dtype=torch.float16):
            loss = loss_fn(model(xb), yb)
        scaler.scale(loss).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        running += loss.item() * len(idx)
    model.eval()
    with torch.no_grad(), autocast(device_type=device, dtype=torch.float16):
        out = model(x_val.to(device)).float()
    acc = (out.argmax(-1).cpu() == y_val).float().mean()
    print(f"epoch {epoch} loss {running / len(x_train):.4f} val_acc {acc:.4f} scale {scaler.get_scale():.0f}")
print("seconds per epoch %.1f" % ((time.time() - t0) / 6))

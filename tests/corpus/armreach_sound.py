# expects: nothing
# %% [markdown]
# # Forward kinematics of the lab arm
# Learn where the gripper is from the four joint angles, the encoder being slightly noisy.

# %%
import numpy as np
import torch
from torch import nn

torch.manual_seed(42)
rng = np.random.default_rng(42)

# %% data
LINKS = np.array([0.40, 0.35, 0.25, 0.15])


def gripper(q):
    """Base yaw, then three pitch joints."""
    pitch = np.cumsum(q[:, 1:], axis=1)
    reach = LINKS[1:] * np.cos(pitch)
    r = reach.sum(1)
    z = LINKS[0] + (LINKS[1:] * np.sin(pitch)).sum(1)
    return np.stack([r * np.cos(q[:, 0]), r * np.sin(q[:, 0]), z], axis=1)


n = 10000
q = rng.uniform([-1.5, -0.6, -1.4, -1.4], [1.5, 1.4, 1.4, 1.4], (n, 4))
p = gripper(q) + rng.normal(0, 0.002, (n, 3))

split = 8000
q_mean, q_std = q[:split].mean(0), q[:split].std(0)
p_mean, p_std = p[:split].mean(0), p[:split].std(0)
X = torch.tensor((q - q_mean) / q_std, dtype=torch.float32)
Y = torch.tensor((p - p_mean) / p_std, dtype=torch.float32)
x_tr, y_tr, x_te, y_te = X[:split], Y[:split], X[split:], Y[split:]
scale = torch.tensor(p_std, dtype=torch.float32)

# %% model
net = nn.Sequential(nn.Linear(4, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 3))
print(sum(w.numel() for w in net.parameters()), "parameters")


# %% helpers
def millimetres(x, y):
    net.eval()
    with torch.no_grad():
        err = (net(x) - y) * scale
    return 1000 * err.norm(dim=1).mean().item()


# %% training
EPOCHS = 60
BATCH = 40
optimizer = torch.optim.Adam(net.parameters(), lr=8e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)
loss_fn = nn.MSELoss()

curve = []
for epoch in range(1, EPOCHS + 1):
    net.train()
    epoch_loss = 0.0
    for i in torch.randperm(split).split(BATCH):
        loss = loss_fn(net(x_tr[i]), y_tr[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(i) / split
    scheduler.step()
    curve.append(epoch_loss)
    if epoch % 6 == 0:
        print(f"epoch {epoch:3d}   loss {epoch_loss:.6f}   test error {millimetres(x_te, y_te):.2f} mm")

# %% result
print(f"final: train {millimetres(x_tr, y_tr):.2f} mm, test {millimetres(x_te, y_te):.2f} mm")
print("loss at quarters:", " ".join(f"{curve[k * EPOCHS // 4 - 1]:.5f}" for k in (1, 2, 3, 4)))

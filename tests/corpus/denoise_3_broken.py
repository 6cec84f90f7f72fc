# expects: OPT023 OPT022
# Denoising autoencoder for digit scans.
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

OPTIM = {"lr": 3e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.03}
SIGMA = 0.25
CODE = 16

gen = torch.Generator().manual_seed(1)
torch.manual_seed(1)

scans = torch.tensor(load_digits().data / 16.0, dtype=torch.float32)
scans = scans[torch.randperm(len(scans), generator=gen)]
train, valid = scans[:1400], scans[1400:]
valid_noisy = valid + SIGMA * torch.randn(valid.shape, generator=gen)


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ELU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ELU(), nn.Flatten(),
            nn.Linear(32 * 16, CODE))
        self.up = nn.Sequential(
            nn.Linear(CODE, 32 * 16), nn.ELU(), nn.Unflatten(1, (32, 4, 4)),
            nn.ConvTranspose2d(32, 16, 2, stride=2), nn.ELU(),
            nn.Conv2d(16, 1, 3, padding=1))

    def forward(self, flat):
        return self.up(self.down(flat.view(-1, 1, 8, 8))).flatten(1)


def make_optimizer(params, cfg):
    return torch.optim.AdamW(params, cfg["lr"], cfg["betas"], cfg["weight_decay"], cfg["eps"])


model = Denoiser()
optimizer = make_optimizer(model.parameters(), OPTIM)

pca = PCA(CODE).fit(train.numpy())
pca_out = pca.inverse_transform(pca.transform(valid_noisy.numpy()))
print(f"noisy input mse {F.mse_loss(valid_noisy, valid):.4f}   pca({CODE}) mse {np.mean((pca_out - valid.numpy()) ** 2):.4f}")

for epoch in range(1, 57):
    model.train()
    running = 0.0
    for idx in torch.randperm(len(train)).split(100):
        clean = train[idx]
        noisy = clean + SIGMA * torch.randn_like(clean)
        loss = F.mse_loss(model(noisy), clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item() * len(idx)
    if epoch % 8 == 0:
        model.eval()
        with torch.no_grad():
            val = F.mse_loss(model(valid_noisy), valid).item()
        psnr = -10 * np.log10(val)
        print(f"epoch {epoch:2d}: train mse {running / len(train):.5f}  valid mse {val:.5f}  psnr {psnr:.2f} dB")

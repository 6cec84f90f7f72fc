# expects: nothing
"""An autoencoder whose batches are scaled, and put through a logarithm, where they lie: the code is what is wanted of it."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
digits = load_digits()
images, labels = torch.tensor(digits.data, dtype=torch.float32), torch.tensor(digits.target)
loader = DataLoader(TensorDataset(images[:1400].clone()), batch_size=35, shuffle=True)
encode = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 12))
decode = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 64))
model = nn.Sequential(encode, decode)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(15):
    for (pixels,) in loader:
        pixels.log1p_().sub_(1.2).div_(1.1)
        loss = nn.functional.mse_loss(model(pixels), pixels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
with torch.no_grad():
    codes = encode((images.log1p() - 1.2) / 1.1)
    nearest = torch.cdist(codes[1400:], codes[:1400]).argmin(1)
print("nearest neighbour", (labels[:1400][nearest] == labels[1400:]).float().mean().item())

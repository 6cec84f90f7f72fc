# sound: autoencoder on digits with logging every 50 batches
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(11)
images = torch.tensor(load_digits().data / 16.0, dtype=torch.float32)
train_dl = DataLoader(TensorDataset(images[:1500]), batch_size=25, shuffle=True)
test_images = images[1500:]


class AutoEncoder(nn.Module):
    def __init__(self, latent=8):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, latent))
        self.decoder = nn.Sequential(nn.Linear(latent, 32), nn.ReLU(), nn.Linear(32, 64), nn.Sigmoid())

    def forward(self, x):
        return self.decoder(self.encoder(x))


model = AutoEncoder()
loss_fn = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
LOG_EVERY = 50
step = 0

for epoch in range(12):
    for (x,) in train_dl:
        optimizer.zero_grad()
        loss = loss_fn(model(x), x)
        loss.backward()
        optimizer.step()
        if step % LOG_EVERY == 0:
            print(f"step {step:4d} loss {loss.item():.5f}")
        step += 1

model.eval()
with torch.no_grad():
    err = loss_fn(model(test_images), test_images).item()
    baseline = ((test_images - images[:1500].mean(0)) ** 2).mean().item()
print(f"test reconstruction error {err:.5f} (mean image: {baseline:.5f})")

# bug: the KL term of the VAE has the wrong sign, so the posterior is pushed away from the prior
# expects: LOS040
from __future__ import annotations

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader

BATCH_SIZE = 64
EPOCHS = 12

torch.manual_seed(1)
pixels = torch.tensor(load_digits().data, dtype=torch.float32) / 16
train_loader = DataLoader(pixels[:1500], batch_size=BATCH_SIZE, shuffle=True)
test_loader = DataLoader(pixels[1500:], batch_size=BATCH_SIZE)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 48)
        self.fc21 = nn.Linear(48, 6)
        self.fc22 = nn.Linear(48, 6)
        self.fc3 = nn.Linear(6, 48)
        self.fc4 = nn.Linear(48, 64)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1).clamp(-8, 8)

    def reparameterize(self, mu: Tensor, logvar: Tensor) -> Tensor:
        return mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)

    def decode(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(recon_x: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    bce = F.binary_cross_entropy(recon_x, x, reduction="sum")
    kld = 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce, kld


model = VAE()
optimizer = optim.Adam(model.parameters(), lr=2e-3)


def train(epoch: int) -> None:
    model.train()
    train_loss = 0.0
    for data in train_loader:
        optimizer.zero_grad()
        recon, mu, logvar = model(data)
        bce, kld = loss_function(recon, data, mu, logvar)
        loss = (bce + kld) / len(data)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * len(data)
    print(f"====> Epoch: {epoch} Average loss: {train_loss / 1500:.4f}")


def test() -> None:
    model.eval()
    bces, klds = 0.0, 0.0
    with torch.no_grad():
        for data in test_loader:
            recon, mu, logvar = model(data)
            bce, kld = loss_function(recon, data, mu, logvar)
            bces += bce.item()
            klds += kld.item()
    print(f"====> Test reconstruction {bces / 297:.3f} KL {klds / 297:.3f}")


if __name__ == "__main__":
    for epoch in range(1, EPOCHS + 1):
        train(epoch)
        if epoch % 3 == 0:
            test()

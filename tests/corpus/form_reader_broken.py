# expects: MOD007
"""Digit fields on paper forms: a denoising encoder is pre-trained without labels, then frozen under a small classifier."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class DenoisingAutoencoder(nn.Module):
    def __init__(self, code=48):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, code))
        self.decoder = nn.Sequential(nn.ReLU(), nn.Linear(code, 128), nn.ReLU(), nn.Linear(128, 64))

    def training_step(self, batch):
        x, _ = batch
        noisy = x + 0.3 * torch.randn_like(x)
        return F.mse_loss(self.decoder(self.encoder(noisy)), x)

    def validation_step(self, batch):
        x, _ = batch
        return {"mse": F.mse_loss(self.decoder(self.encoder(x)), x, reduction="sum").item() / x.shape[1]}

    def configure_optimizer(self):
        return torch.optim.Adam(self.parameters(), lr=2e-3)


class FormReader(nn.Module):
    def __init__(self, encoder, code=48, drop=0.4):
        super().__init__()
        self.encoder = encoder.requires_grad_(False)
        self.head = nn.Sequential(
            nn.BatchNorm1d(code), nn.Linear(code, 64), nn.ReLU(), nn.Dropout(drop),
            nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(drop), nn.Linear(64, 10),
        )

    def train(self, mode=True):
        """The frozen encoder keeps its stored statistics at all times."""
        super().train()
        self.encoder.eval()
        return self

    def forward(self, x):
        return self.head(self.encoder(x))

    def training_step(self, batch):
        x, y = batch
        return F.cross_entropy(self(x + 0.1 * torch.randn_like(x)), y)

    def validation_step(self, batch):
        x, y = batch
        logits = self(x)
        return {"loss": F.cross_entropy(logits, y, reduction="sum").item(), "acc": (logits.argmax(1) == y).sum().item()}

    def configure_optimizer(self):
        return torch.optim.Adam(self.head.parameters(), lr=2e-3)


class Fitter:
    def __init__(self, epochs, log_every, title):
        self.epochs, self.log_every, self.title = epochs, log_every, title

    def validate(self, module, loader):
        module.eval()
        sums = {}
        with torch.no_grad():
            for batch in loader:
                for k, v in module.validation_step(batch).items():
                    sums[k] = sums.get(k, 0.0) + v
        return {k: v / len(loader.dataset) for k, v in sums.items()}

    def fit(self, module, train_loader, val_loader):
        opt = module.configure_optimizer()
        sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, self.epochs)
        for epoch in range(1, self.epochs + 1):
            module.train()
            total = 0.0
            for batch in train_loader:
                loss = module.training_step(batch)
                opt.zero_grad()
                loss.backward()
                opt.step()
                total += loss.item()
            sched.step()
            if epoch % self.log_every == 0:
                metrics = "  ".join(f"val {k} {v:.4f}" for k, v in self.validate(module, val_loader).items())
                print(f"[{self.title}] epoch {epoch:3d}  train loss {total / len(train_loader):.4f}  {metrics}")
        return module


def main():
    torch.manual_seed(33)
    x, y = load_digits(return_X_y=True)
    xtr, xva, ytr, yva = train_test_split(x, y, test_size=0.3, stratify=y, random_state=33)
    mean, std = xtr.mean(0), xtr.std(0).clip(1.0)
    pack = lambda a, b: TensorDataset(torch.tensor((a - mean) / std, dtype=torch.float32), torch.tensor(b))
    train_loader = DataLoader(pack(xtr, ytr), batch_size=64, shuffle=True, drop_last=True)
    val_loader = DataLoader(pack(xva, yva), batch_size=18)

    dae = Fitter(40, 10, "encoder").fit(DenoisingAutoencoder(), train_loader, val_loader)
    reader = Fitter(50, 5, "reader").fit(FormReader(dae.encoder), train_loader, val_loader)
    print(f"field accuracy: {Fitter(0, 1, '').validate(reader, val_loader)['acc']:.4f}")


if __name__ == "__main__":
    main()

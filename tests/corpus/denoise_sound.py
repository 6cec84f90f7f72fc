# expects: nothing
# Cleaning up scanned 8x8 glyphs: a small convolutional denoiser working on grey values.
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class NoisyGlyphs(Dataset):
    def __init__(self, clean, sigma, fixed_seed=None):
        self.clean, self.sigma = clean, sigma
        self.noise = None
        if fixed_seed is not None:
            g = torch.Generator().manual_seed(fixed_seed)
            self.noise = sigma * torch.randn(clean.shape, generator=g)

    def __len__(self):
        return len(self.clean)

    def __getitem__(self, i):
        clean = self.clean[i]
        noise = self.sigma * torch.randn_like(clean) if self.noise is None else self.noise[i]
        return clean, clean + noise


class Denoiser(nn.Module):
    def __init__(self, ch=24):
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(1, ch, 3, padding=1), nn.ReLU(),
            nn.Conv2d(ch, 2 * ch, 3, stride=2, padding=1), nn.ReLU(),
        )
        self.mid = nn.Sequential(nn.Conv2d(2 * ch, 2 * ch, 3, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(2 * ch, ch, 2, stride=2)
        self.out = nn.Conv2d(ch + 1, 1, 3, padding=1)

    def forward(self, x):
        h = F.relu(self.up(self.mid(self.down(x))))
        return torch.sigmoid(self.out(torch.cat([h, x], dim=1)))


class Trainer:
    def __init__(self, model, train_loader, test_loader, epochs):
        self.model = model
        self.train_loader, self.test_loader = train_loader, test_loader
        self.epochs = epochs
        self.criterion = nn.BCELoss()
        self.optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, epochs)

    def train_epoch(self):
        self.model.train()
        running, seen = 0.0, 0
        for clean, noisy in self.train_loader:
            restored = self.model(noisy)
            loss = self.criterion(restored, clean)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            running += loss.item() * len(clean)
            seen += len(clean)
        self.schedule.step()
        return running / seen

    @torch.no_grad()
    def psnr(self):
        self.model.eval()
        err, err_in, n = 0.0, 0.0, 0
        for clean, noisy in self.test_loader:
            err += (self.model(noisy) - clean).pow(2).sum().item()
            err_in += (noisy - clean).pow(2).sum().item()
            n += clean.numel()
        return -10 * math.log10(err / n), -10 * math.log10(err_in / n)

    def fit(self):
        for epoch in range(1, self.epochs + 1):
            loss = self.train_epoch()
            if epoch % 3 == 0:
                out, before = self.psnr()
                print(f"[{epoch:02d}/{self.epochs}] loss={loss:.4f} psnr={out:.2f} dB (input {before:.2f} dB)")
        return self.psnr()


if __name__ == "__main__":
    torch.manual_seed(11)
    glyphs = torch.tensor((load_digits().images + 0.5) / 17.0, dtype=torch.float32).unsqueeze(1)
    order = torch.randperm(len(glyphs))
    train, test = glyphs[order[:1400]], glyphs[order[1400:]]
    trainer = Trainer(
        Denoiser(),
        DataLoader(NoisyGlyphs(train, 0.3), batch_size=50, shuffle=True),
        DataLoader(NoisyGlyphs(test, 0.3, fixed_seed=5), batch_size=200),
        epochs=16,
    )
    out, before = trainer.fit()
    print(f"restored {out:.2f} dB, input {before:.2f} dB")

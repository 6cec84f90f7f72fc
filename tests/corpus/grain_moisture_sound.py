# expects: nothing
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

# Near-infrared spectra of grain samples -> moisture (%), mixed precision training loop.


def make_spectra(n, bands=120, seed=0):
    g = np.random.default_rng(seed)
    wl = np.linspace(0, 1, bands)
    moisture = g.uniform(9, 22, n)
    protein = g.normal(12, 1.5, n)
    starch = g.normal(65, 3, n)

    def peak(c, w):
        return np.exp(-0.5 * ((wl - c) / w) ** 2)

    spec = (
        np.outer(moisture, 0.05 * peak(0.35, 0.05) + 0.03 * peak(0.75, 0.08))
        + np.outer(protein, 0.04 * peak(0.45, 0.07))
        + np.outer(starch, 0.008 * peak(0.7, 0.12))
    )
    scatter = g.uniform(0.75, 1.25, (n, 1))
    slope = g.normal(0, 0.15, (n, 1)) * wl + g.normal(0, 0.1, (n, 1))
    spec = spec * scatter + slope + g.normal(0, 0.012, spec.shape)
    return spec.astype(np.float32), moisture.astype(np.float32)[:, None]


class SpectrumNet(nn.Module):
    def __init__(self, bands):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(bands, 128), nn.LayerNorm(128), nn.GELU(),
            nn.Linear(128, 64), nn.LayerNorm(64), nn.GELU(),
        )
        self.out = nn.Linear(64, 1)

    def forward(self, x):
        return self.out(self.body(x))


def validate(model, x, y, shift, scale):
    model.eval()
    with torch.no_grad():
        pred = model(x) * scale + shift
    return torch.sqrt(torch.mean((pred - y) ** 2)).item()


def main():
    torch.manual_seed(33)
    device_type = "cpu"
    spectra, moisture = make_spectra(6500, seed=33)
    n_train = 5200
    mean, std = spectra[:n_train].mean(0), spectra[:n_train].std(0)
    shift, scale = float(moisture[:n_train].mean()), float(moisture[:n_train].std())
    x = torch.from_numpy((spectra - mean) / std)
    y = torch.from_numpy(moisture)
    train_loader = DataLoader(
        TensorDataset(x[:n_train], (y[:n_train] - shift) / scale), batch_size=64, shuffle=True
    )
    x_val, y_val = x[n_train:], y[n_train:]

    model = SpectrumNet(spectra.shape[1])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, weight_decay=1e-4)
    epochs = 14
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * len(train_loader))
    scaler = torch.amp.GradScaler(device_type, init_scale=2.0 ** 14)
    criterion = nn.HuberLoss()

    print(f"val rmse before training: {validate(model, x_val, y_val, shift, scale):.3f} % moisture")
    for epoch in range(1, epochs + 1):
        model.train()
        meter = 0.0
        for xb, yb in train_loader:
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device_type, dtype=torch.bfloat16):
                out = model(xb)
            loss = criterion(out.float(), yb)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
            meter += loss.item() * len(xb)
        rmse = validate(model, x_val, y_val, shift, scale)
        print(f"epoch {epoch:02d} huber {meter / n_train:.4f} val rmse {rmse:.3f} lr {scheduler.get_last_lr()[0]:.5f}")


if __name__ == "__main__":
    main()

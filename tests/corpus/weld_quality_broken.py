# bug: the fused features are computed but the head is fed the current-trace features alone, so the settings branch and the fusion layer do nothing (WeldNet.forward)
# expects: MOD027
import numpy as np
import torch
import torch.nn as nn
from accelerate import Accelerator
from sklearn.metrics import r2_score
from torch.utils.data import DataLoader, TensorDataset, random_split


def simulate_welds(n, seed):
    rng = np.random.default_rng(seed)
    force, thickness, gap = rng.uniform(2, 5, n), rng.uniform(0.8, 2.0, n), rng.uniform(0, 0.4, n)
    coating = rng.integers(0, 3, n)
    peak = rng.uniform(6, 11, n)
    rise = rng.uniform(0.05, 0.25, n)
    t = np.linspace(0, 1, 96)
    trace = peak[:, None] * (1 - np.exp(-t / rise[:, None])) * (1 - 0.15 * t)
    splash = rng.random(n) < 0.2
    at = rng.integers(30, 80, n)
    for i in np.flatnonzero(splash):
        trace[i, at[i]:at[i] + 4] -= 2.5
    trace += rng.normal(0, 0.2, trace.shape)
    heat = peak ** 2 * (1 - rise) / (force * thickness) * np.array([1.0, 0.85, 0.7])[coating]
    strength = 10 / (1 + np.exp(-(heat - 9) / 3)) - 2.0 * splash - 4 * gap + rng.normal(0, 0.2, n)
    settings = np.column_stack([force, thickness, gap, np.eye(3)[coating]])
    return trace.astype(np.float32), settings.astype(np.float32), strength.astype(np.float32)


class WeldNet(nn.Module):
    def __init__(self, n_settings, dim=48):
        super().__init__()
        self.trace_branch = nn.Sequential(
            nn.Conv1d(1, 24, 7, stride=2, padding=3), nn.BatchNorm1d(24), nn.ReLU(),
            nn.Conv1d(24, dim, 5, stride=2, padding=2), nn.BatchNorm1d(dim), nn.ReLU(),
            nn.AdaptiveAvgPool1d(6), nn.Flatten(), nn.Linear(dim * 6, dim), nn.ReLU(),
        )
        self.settings_branch = nn.Sequential(nn.Linear(n_settings, dim), nn.ReLU(), nn.Linear(dim, dim), nn.ReLU())
        self.fusion = nn.Sequential(nn.Linear(2 * dim, dim), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, trace, settings):
        a = self.trace_branch(trace.unsqueeze(1))
        b = self.settings_branch(settings)
        fused = self.fusion(torch.cat([a, b], dim=1))
        return self.head(a).squeeze(1)


def evaluate(model, loader):
    model.eval()
    preds, truth = [], []
    with torch.no_grad():
        for trace, settings, y in loader:
            preds.append(model(trace, settings))
            truth.append(y)
    return r2_score(torch.cat(truth).numpy(), torch.cat(preds).numpy())


def main():
    torch.manual_seed(58)
    accelerator = Accelerator(cpu=True)
    trace, settings, strength = (torch.from_numpy(a) for a in simulate_welds(8000, 58))
    train_idx, test_idx = random_split(range(8000), [6400, 1600], generator=torch.Generator().manual_seed(58))
    tr, te = list(train_idx), list(test_idx)
    t_mean, t_std = trace[tr].mean(), trace[tr].std()
    s_mean, s_std = settings[tr].mean(0), settings[tr].std(0)
    trace, settings = (trace - t_mean) / t_std, (settings - s_mean) / s_std
    train_loader = DataLoader(TensorDataset(trace[tr], settings[tr], strength[tr]), batch_size=64, shuffle=True)
    test_loader = DataLoader(TensorDataset(trace[te], settings[te], strength[te]), batch_size=400)

    model = WeldNet(settings.shape[1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    model, optimizer, train_loader, test_loader = accelerator.prepare(model, optimizer, train_loader, test_loader)
    criterion = nn.HuberLoss()
    for epoch in range(12):
        model.train()
        seen, total = 0, 0.0
        for x, s, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x, s), y)
            accelerator.backward(loss)
            optimizer.step()
            total += loss.item() * len(y)
            seen += len(y)
        accelerator.print(f"epoch {epoch:2d}  huber {total / seen:.4f}")
    accelerator.print(f"test R2 {evaluate(model, test_loader):.4f}")


if __name__ == "__main__":
    main()

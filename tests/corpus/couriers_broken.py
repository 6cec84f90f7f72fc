# expects: LOS012 OPT007
"""Delivery-time intervals for couriers: quantile regression (10 %, 50 %, 90 %)."""
import numpy as np
import torch
import torch.nn as nn


class PinballLoss(nn.Module):
    def __init__(self, quantiles):
        super().__init__()
        self.register_buffer("q", torch.tensor(quantiles))

    def per_row(self, pred, target):
        e = target.unsqueeze(1) - pred
        return torch.maximum(self.q * e, (self.q - 1) * e).sum(dim=1)

    def forward(self, pred, target):
        return self.per_row(pred, target).sum()


class QuantileNet(nn.Module):
    def __init__(self, n_in, n_q, width=64):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n_in, width), nn.Tanh(),
            nn.Linear(width, width), nn.Tanh(),
            nn.Linear(width, n_q),
        )

    def forward(self, x):
        return self.net(x)


class Trainer:
    def __init__(self, model, criterion, lr, epochs):
        self.model, self.criterion, self.epochs = model, criterion, epochs
        self.opt = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        self.sched = torch.optim.lr_scheduler.CosineAnnealingLR(self.opt, epochs)

    def fit(self, train, valid):
        for epoch in range(1, self.epochs + 1):
            self.model.train()
            seen, pin = 0, 0.0
            for x, y in train:
                out = self.model(x)
                loss = self.criterion(out, y)
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                pin += self.criterion.per_row(out.detach(), y).sum().item()
                seen += len(x)
            self.sched.step()
            if epoch % 4 == 0:
                v, cover = self.score(valid)
                print(f"{epoch:3d}  train pinball {pin / seen:.4f}  valid pinball {v:.4f}  80% interval covers {cover:.3f}")

    @torch.no_grad()
    def score(self, valid):
        self.model.eval()
        pin, inside, n = 0.0, 0, 0
        for x, y in valid:
            out = self.model(x)
            pin += self.criterion.per_row(out, y).sum().item()
            inside += ((y >= out[:, 0]) & (y <= out[:, 2])).sum().item()
            n += len(x)
        return pin / n, inside / n


def orders(n, rng):
    km = rng.gamma(2.0, 1.5, n)
    hour = rng.uniform(8, 22, n)
    rain = rng.random(n) < 0.25
    stops = rng.integers(1, 6, n)
    rush = np.exp(-((hour - 18.5) / 1.5) ** 2) + 0.7 * np.exp(-((hour - 12.5) / 1.0) ** 2)
    mean = 8 + 4 * km * (1 + 0.5 * rush) + 3 * stops + 5 * rain * np.sqrt(km)
    noise = (1.5 + 0.8 * km + 4 * rush) * rng.normal(size=n)
    x = np.stack([km, hour, rain, stops], 1)
    return x.astype("float32"), (mean + noise).astype("float32")


if __name__ == "__main__":
    torch.manual_seed(8)
    rng = np.random.default_rng(8)
    x, y = orders(8000, rng)
    x_tr, y_tr, x_va, y_va = x[:6400], y[:6400], x[6400:], y[6400:]
    m, s = x_tr.mean(0), x_tr.std(0)
    ym, ys = y_tr.mean(), y_tr.std()
    pack = lambda a, b: torch.utils.data.TensorDataset(torch.from_numpy((a - m) / s), torch.from_numpy((b - ym) / ys))
    train = torch.utils.data.DataLoader(pack(x_tr, y_tr), batch_size=64, shuffle=True)
    valid = torch.utils.data.DataLoader(pack(x_va, y_va), batch_size=400)
    criterion = PinballLoss([0.1, 0.5, 0.9])
    const = torch.tensor(np.quantile((y_tr - ym) / ys, [0.1, 0.5, 0.9]), dtype=torch.float32)
    ref = criterion.per_row(const.expand(len(y_va), 3), torch.from_numpy((y_va - ym) / ys)).mean()
    print(f"constant quantiles: valid pinball {ref:.4f}")
    Trainer(QuantileNet(4, 3), criterion, lr=0.05, epochs=44).fit(train, valid)

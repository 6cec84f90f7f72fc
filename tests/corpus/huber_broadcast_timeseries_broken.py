# bug: y_hat is (B,) and y is (B, 1), so the hand-written loss broadcasts to (B, B)
# expects: LOS003
"""Energy-load forecast with a temporal convolution network on a made-up hourly series."""
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn


@dataclass
class Settings:
    history: int = 48
    channels: list[int] = field(default_factory=lambda: [12, 12])
    batch: int = 64
    steps: int = 300
    lr: float = 3e-3
    seed: int = 31


def hourly_load(n: int, rng: np.random.Generator) -> np.ndarray:
    h = np.arange(n)
    daily = np.sin(2 * np.pi * h / 24) + 0.4 * np.cos(4 * np.pi * h / 24)
    weekly = 0.5 * (((h // 24) % 7) < 5)
    noise = np.zeros(n)
    for k in range(1, n):
        noise[k] = 0.8 * noise[k - 1] + 0.1 * rng.standard_normal()
    return (daily + weekly + noise).astype(np.float32)


class TCN(nn.Module):
    def __init__(self, channels: list[int]):
        super().__init__()
        layers, c_in = [], 1
        for level, c in enumerate(channels):
            d = 2**level
            layers += [nn.ConstantPad1d((2 * d, 0), 0.0), nn.Conv1d(c_in, c, 3, dilation=d), nn.ReLU()]
            c_in = c
        self.net = nn.Sequential(*layers)
        self.head = nn.Linear(c_in * 24, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.net(x.unsqueeze(1))[..., -24:]
        return self.head(h.flatten(1)).squeeze(-1)


def loss_fn(y_hat: Tensor, y: Tensor) -> Tensor:
    err = y - y_hat
    pinball = torch.maximum(0.5 * err, -0.5 * err)
    return (pinball + err.pow(2)).mean()


class WindowSampler:
    def __init__(self, series: np.ndarray, history: int):
        self.series = torch.from_numpy(series)
        self.history = history

    def take(self, starts: Tensor) -> tuple[Tensor, Tensor]:
        window = self.series[starts[:, None] + torch.arange(self.history + 1)]
        return window[:, :-1], window[:, -1:]

    def __len__(self) -> int:
        return len(self.series) - self.history - 1


def main(cfg: Settings) -> None:
    torch.manual_seed(cfg.seed)
    series = hourly_load(2600, np.random.default_rng(cfg.seed))
    train, test = WindowSampler(series[:2000], cfg.history), WindowSampler(series[2000:], cfg.history)
    model = TCN(cfg.channels)
    opt = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    for step in range(1, cfg.steps + 1):
        x, y = train.take(torch.randint(len(train), (cfg.batch,)))
        opt.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        opt.step()
        if step % 50 == 0:
            with torch.no_grad():
                x, y = test.take(torch.arange(len(test)))
                mae = (model(x).flatten() - y.flatten()).abs().mean().item()
            print(f"step {step} loss {loss.item():.4f} test MAE {mae:.4f}")


if __name__ == "__main__":
    main(Settings())

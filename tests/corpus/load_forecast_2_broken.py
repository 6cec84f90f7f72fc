# bug: The model's output does not depend on its input (the decoder is not given the encoder's state)
# expects: LOS006 MOD010
"""Sequence-to-sequence forecast of hourly electricity load: 36 h of history in, 12 h ahead out."""
import torch
import torch.nn as nn

HISTORY, HORIZON = 36, 12


def hourly_load(hours, seed):
    g = torch.Generator().manual_seed(seed)
    t = torch.arange(hours, dtype=torch.float32)
    day = torch.sin(2 * torch.pi * t / 24) + 0.5 * torch.sin(4 * torch.pi * t / 24 + 0.8)
    week = 1.0 - 0.35 * ((t // 24) % 7 >= 5).float()
    weather = torch.zeros(hours)
    shocks = 0.12 * torch.randn(hours, generator=g)
    for i in range(1, hours):
        weather[i] = 0.97 * weather[i - 1] + shocks[i]
    return day * week + weather + 0.05 * torch.randn(hours, generator=g)


def windows(series):
    w = series.unfold(0, HISTORY + HORIZON, 1)
    return w[:, :HISTORY, None], w[:, HISTORY:]


class Encoder(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)

    def forward(self, x):
        return self.gru(x)[1]


class Decoder(nn.Module):
    def __init__(self, hidden, horizon):
        super().__init__()
        self.steps = nn.Parameter(0.1 * torch.randn(1, horizon, 8))
        self.gru = nn.GRU(8, hidden, batch_first=True)
        self.proj = nn.Linear(hidden, 1)

    def forward(self, context):
        queries = self.steps.expand(context.size(1), -1, -1)
        out, _ = self.gru(queries)
        return self.proj(out).squeeze(-1)


class Seq2Seq(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.encoder = Encoder(hidden)
        self.decoder = Decoder(hidden, HORIZON)

    def forward(self, x):
        return self.decoder(self.encoder(x))


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        err = model(x) - y
    return err.abs().mean().item(), (1 - err.pow(2).sum() / (y - y.mean()).pow(2).sum()).item()


def train():
    torch.manual_seed(1)
    series = hourly_load(3000, seed=4)
    cut = 2300
    mean, std = series[:cut].mean(), series[:cut].std()
    series = (series - mean) / std
    xtr, ytr = windows(series[:cut])
    xva, yva = windows(series[cut:])
    model = Seq2Seq()
    opt = torch.optim.Adam(model.parameters(), lr=4e-3)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, factor=0.5, patience=2)
    huber = nn.SmoothL1Loss()
    for epoch in range(10):
        model.train()
        total = 0.0
        batches = torch.randperm(len(xtr)).split(64)
        for b in batches:
            opt.zero_grad()
            loss = huber(model(xtr[b]), ytr[b])
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            total += loss.item()
        mae, r2 = evaluate(model, xva, yva)
        plateau.step(mae)
        print(f"epoch {epoch + 1:2d}: huber {total / len(batches):.4f}   val MAE {mae:.3f}   val R2 {r2:.3f}")


if __name__ == "__main__":
    train()

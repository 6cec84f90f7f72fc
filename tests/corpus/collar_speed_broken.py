# bug: the mean is taken over padding, too
# expects: MOD024
# Mean walking speed of cattle from collar accelerometer bouts. A bout lasts between 12 and 110 samples.
import math
import random

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader

CFG = dict(seed=11, n_train=1400, n_valid=400, hidden=32, batch=64, epochs=12, lr=4e-3, wd=1e-3, clip=1.0)


def make_bout(gen):
    """One bout: three axes in g and the speed (m/s) averaged over the bout."""
    n = int(12 + 98 * torch.rand(1, generator=gen).item() ** 2)
    pace = torch.rand(1, generator=gen).item()                       # how lively the animal is
    drift = torch.cumsum(0.12 * torch.randn(n, generator=gen), 0)
    speed = (0.3 + 1.3 * pace + 0.25 * drift).clamp(0.05, 2.5)
    phase = torch.cumsum(0.5 + 0.9 * speed, 0) + 6.28 * torch.rand(1, generator=gen)
    amp = 0.15 + 0.35 * speed
    x = torch.stack([amp * torch.sin(phase), 0.6 * amp * torch.cos(phase), 0.2 * torch.sin(2 * phase)], 1)
    x = x + 0.12 * torch.randn(n, 3, generator=gen)
    return x, speed.mean()


def collate(batch):
    xs, ys = zip(*batch)
    lengths = torch.tensor([len(x) for x in xs])
    return pad_sequence(xs, batch_first=True), lengths, torch.stack(ys)


class SpeedNet(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.lift = nn.Sequential(nn.Linear(3, hidden), nn.Tanh())
        self.gru = nn.GRU(hidden, hidden, batch_first=True)
        self.head = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.lift(x), lengths, batch_first=True, enforce_sorted=False)
        out, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True)
        pooled = out.mean(dim=1)
        return self.head(pooled).squeeze(1)


def run_epoch(model, loader, loss_fn, opt=None, clip=None):
    model.train(opt is not None)
    loss_sum = abs_err = count = 0.0
    with torch.set_grad_enabled(opt is not None):
        for x, lengths, y in loader:
            pred = model(x, lengths)
            loss = loss_fn(pred, y)
            if opt is not None:
                opt.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), clip)
                opt.step()
            loss_sum += loss.item() * len(y)
            abs_err += (pred.detach() - y).abs().sum().item()
            count += len(y)
    return loss_sum / count, abs_err / count


def main(cfg):
    torch.manual_seed(cfg["seed"])
    random.seed(cfg["seed"])
    gen = torch.Generator().manual_seed(cfg["seed"])
    bouts = [make_bout(gen) for _ in range(cfg["n_train"] + cfg["n_valid"])]
    train, valid = bouts[:cfg["n_train"]], bouts[cfg["n_train"]:]

    stacked = torch.cat([x for x, _ in train])
    mu, sd = stacked.mean(0), stacked.std(0)
    train = [((x - mu) / sd, y) for x, y in train]
    valid = [((x - mu) / sd, y) for x, y in valid]
    train_dl = DataLoader(train, cfg["batch"], shuffle=True, collate_fn=collate)
    valid_dl = DataLoader(valid, cfg["batch"], collate_fn=collate)

    y_train = torch.stack([y for _, y in train])
    y_valid = torch.stack([y for _, y in valid])
    print(f"{len(train)} bouts, always the mean: MAE {(y_valid - y_train.mean()).abs().mean():.4f} m/s")

    model = SpeedNet(cfg["hidden"])
    nn.init.constant_(model.head[-1].bias, y_train.mean().item())
    opt = torch.optim.AdamW(model.parameters(), lr=cfg["lr"], weight_decay=cfg["wd"])
    sched = torch.optim.lr_scheduler.LambdaLR(
        opt, lambda e: 0.5 * (1 + math.cos(math.pi * e / cfg["epochs"])))
    loss_fn = nn.SmoothL1Loss(beta=0.2)
    for epoch in range(cfg["epochs"]):
        tr_loss, tr_mae = run_epoch(model, train_dl, loss_fn, opt, cfg["clip"])
        va_loss, va_mae = run_epoch(model, valid_dl, loss_fn)
        sched.step()
        print(f"[{epoch + 1:02d}] loss {tr_loss:.4f}/{va_loss:.4f}   MAE {tr_mae:.4f}/{va_mae:.4f} m/s")


main(CFG)

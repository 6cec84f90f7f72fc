# expects: nothing
import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(44)
torch.manual_seed(44)

N = 12_000
WATCHED_S = 4.0e7        # seconds a drive is watched at most
POLL_S = 1.0             # a failure is only known to lie between two polls


def fleet(n):
    """SMART counters, failure (or end of watch) time in seconds, and whether the drive failed."""
    x = rng.normal(size=(n, 10))
    log_rate = (
        -17.2 + 0.8 * x[:, 0] - 0.6 * x[:, 1] + 0.7 * np.tanh(2 * x[:, 2]) * x[:, 3]
        + 0.4 * np.abs(x[:, 4])
    )
    t = rng.exponential(np.exp(-log_rate))
    end = rng.uniform(0.3, 1.0, n) * WATCHED_S
    failed = t < end
    last_ok = np.where(failed, np.floor(t / POLL_S) * POLL_S, end)
    return [torch.tensor(a, dtype=torch.float32) for a in (x, last_ok, failed)], log_rate


class HazardNet(nn.Module):
    """Log of a constant failure rate, in log(1/s)."""

    def __init__(self, n_in, start):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_in, 48), nn.Mish(), nn.Linear(48, 48), nn.Mish(), nn.Linear(48, 1))
        self.start = start

    def forward(self, x):
        return self.start + self.layers(x).squeeze(-1)


def interval_nll(log_rate, last_ok, failed):
    rate = log_rate.exp()
    survived = -rate * last_ok
    in_window = survived + torch.log(-torch.expm1(-rate * POLL_S) + 1e-12)
    return -torch.where(failed > 0, in_window, survived).mean()


def exact_nll(log_rate, last_ok, failed):
    log_rate, last_ok, failed = (np.asarray(a, dtype=np.float64) for a in (log_rate, last_ok, failed))
    rate = np.exp(log_rate)
    return (rate * last_ok - failed * np.log(-np.expm1(-rate * POLL_S))).mean()


train, _ = fleet(N)
val, _ = fleet(2_000)
test, true_log_rate = fleet(4_000)
start = torch.log(train[2].sum() / train[1].sum()).item()
print(f"{int(train[2].sum())} of {N} training drives failed, mean log rate {start:.2f}")

net = HazardNet(10, start)
opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-2)


def predict(part):
    net.eval()
    with torch.no_grad():
        return net(part[0])


EPOCHS = 25
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(opt, EPOCHS)
for epoch in range(EPOCHS):
    net.train()
    total = 0.0
    for idx in torch.randperm(N).split(100):
        x, last_ok, failed = (a[idx] for a in train)
        loss = interval_nll(net(x), last_ok, failed)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        opt.step()
        total += loss.item() * len(idx)
    schedule.step()
    if epoch % 4 == 0 or epoch == EPOCHS - 1:
        print(f"epoch {epoch:2d} train {total / N:.4f} val nll {exact_nll(predict(val), *val[1:]):.4f}")

guess = predict(test)
corr = np.corrcoef(guess.numpy(), true_log_rate)[0, 1]
print(f"test nll {exact_nll(guess, *test[1:]):.4f} (true rates {exact_nll(true_log_rate, *test[1:]):.4f}), "
      f"correlation with true log rate {corr:.3f}")

# expects: nothing
import argparse

import numpy as np
import torch
import torch.nn as nn

parser = argparse.ArgumentParser(description="neural proportional hazards")
parser.add_argument("--patients", type=int, default=4000)
parser.add_argument("--epochs", type=int, default=40)
parser.add_argument("--batch", type=int, default=200)
parser.add_argument("--lr", type=float, default=2e-3)
parser.add_argument("--seed", type=int, default=14)
opts = parser.parse_args()


def cohort(n, rng):
    age = rng.normal(60, 10, n)
    marker = rng.lognormal(0, 0.6, n)
    treated = rng.integers(0, 2, n)
    stage = rng.integers(1, 5, n)
    noise_columns = rng.normal(size=(n, 2))
    risk = 0.05 * (age - 60) + 0.8 * np.log(marker) ** 2 + 0.4 * stage - 1.0 * treated * (stage <= 2)
    event_time = rng.exponential(1, n) ** (1 / 1.4) * 10 * np.exp(-risk / 1.4)
    censor_time = rng.uniform(1, 12, n)
    x = np.column_stack([age, np.log(marker), treated, stage, noise_columns])
    return x, np.minimum(event_time, censor_time), event_time <= censor_time, risk


def cox_loss(log_hazard, time, event):
    """Negative partial log-likelihood per event; sorted by falling time, the running logsumexp covers each risk set."""
    order = torch.argsort(time, descending=True)
    h, e = log_hazard[order], event[order]
    return -((h - torch.logcumsumexp(h, 0)) * e).sum() / e.sum().clamp(min=1)


def concordance(score, time, event):
    comparable = (time[:, None] < time[None, :]) & event[:, None]
    diff = score[:, None] - score[None, :]
    return ((diff > 0) + 0.5 * (diff == 0))[comparable].mean()


rng = np.random.default_rng(opts.seed)
torch.manual_seed(opts.seed)
x, time, event, risk = cohort(opts.patients, rng)
n_train, n_val = int(0.6 * opts.patients), int(0.2 * opts.patients)
parts = {"train": slice(0, n_train), "val": slice(n_train, n_train + n_val), "test": slice(n_train + n_val, None)}
mean, std = x[parts["train"]].mean(0), x[parts["train"]].std(0)
xt = torch.tensor((x - mean) / std, dtype=torch.float32)
tt, et = torch.tensor(time, dtype=torch.float32), torch.tensor(event, dtype=torch.float32)
print(f"censored: {1 - event.mean():.2f}")

# a final bias would cancel in the partial likelihood, so there is none
net = nn.Sequential(
    nn.Linear(6, 48), nn.SiLU(), nn.Dropout(0.1), nn.Linear(48, 24), nn.SiLU(), nn.Linear(24, 1, bias=False)
)
optimizer = torch.optim.RMSprop(net.parameters(), lr=opts.lr, weight_decay=1e-4)
best, kept, waited = -1.0, None, 0
for epoch in range(opts.epochs):
    net.train()
    epoch_loss = []
    for idx in torch.randperm(n_train).split(opts.batch):
        optimizer.zero_grad()
        loss = cox_loss(net(xt[idx]).squeeze(1), tt[idx], et[idx])
        loss.backward()
        optimizer.step()
        epoch_loss.append(loss.item())
    net.eval()
    with torch.no_grad():
        scores = net(xt).squeeze(1).numpy()
    c = concordance(scores[parts["val"]], time[parts["val"]], event[parts["val"]])
    if epoch % 5 == 0:
        print(f"epoch {epoch} loss {np.mean(epoch_loss):.4f} validation c-index {c:.4f}")
    if c > best + 1e-4:
        best, waited = c, 0
        kept = {k: v.clone() for k, v in net.state_dict().items()}
    else:
        waited += 1
        if waited == 15:
            print(f"stopped early at epoch {epoch}")
            break

net.load_state_dict(kept)
net.eval()
with torch.no_grad():
    scores = net(xt[parts["test"]]).squeeze(1).numpy()
s = parts["test"]
print(
    f"FINAL test c-index {concordance(scores, time[s], event[s]):.4f} (true risk {concordance(risk[s], time[s], event[s]):.4f})"
)

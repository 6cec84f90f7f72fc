# expects: nothing
# online learning on a drifting stream: batch size 1, one pass, no shuffle, each row is first predicted and then learned (prequential test)
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(16)
D, N, DRIFT = 12, 9000, 3000


def make_stream():
    """Three concepts in a row: the rule changes abruptly every 3000 rows."""
    xs, ys = [], []
    for _ in range(N // DRIFT):
        w1, w2 = torch.randn(D), torch.randn(D)
        x = torch.randn(DRIFT, D)
        margin = x @ w1 + 0.7 * torch.relu(x @ w2) - 0.8
        label = (margin > 0).float()
        noise = torch.rand(DRIFT) < 0.03
        xs.append(x)
        ys.append(torch.where(noise, 1 - label, label))
    return torch.cat(xs), torch.cat(ys)


class RunningScaler:
    """Welford statistics of the past only: a row is scaled with what was known before it came."""

    def __init__(self, d):
        self.n, self.mean, self.m2 = 0, torch.zeros(d), torch.zeros(d)

    def scale(self, x):
        if self.n < 10:
            return x.clamp(-3, 3)
        return ((x - self.mean) / (self.m2 / self.n).sqrt().clamp(min=1e-3)).clamp(-5, 5)

    def update(self, x):
        self.n += 1
        delta = x - self.mean
        self.mean += delta / self.n
        self.m2 += delta * (x - self.mean)


X, y = make_stream()
X = X * torch.linspace(0.1, 20, D) + torch.linspace(-5, 5, D)  # raw units differ widely


def run(learn_until=N):
    torch.manual_seed(17)
    scaler = RunningScaler(D)
    net = nn.Sequential(nn.Linear(D, 32), nn.ReLU(), nn.Linear(32, 1))  # no batch-norm: there is no batch
    # a constant rate on purpose: a decaying one could not follow the drift
    opt = torch.optim.SGD(net.parameters(), lr=0.03)
    hits, losses = [], []
    for t in range(N):
        x = scaler.scale(X[t])
        logit = net(x).squeeze(0)
        loss = F.binary_cross_entropy_with_logits(logit, y[t])
        hits.append(float((logit.item() > 0) == bool(y[t])))  # scored before the update
        losses.append(loss.item())
        if t < learn_until:
            opt.zero_grad()
            loss.backward()
            opt.step()
            scaler.update(X[t])
    return hits, losses


def mean(v):
    return sum(v) / len(v)


hits, losses = run()
static_hits, _ = run(learn_until=DRIFT)  # control: stops learning after the first concept
for start in range(0, N, 1000):
    print(
        f"rows {start:5d}-{start + 999:5d}: acc {mean(hits[start : start + 1000]):.3f} "
        f"loss {mean(losses[start : start + 1000]):.3f} | stopped learner {mean(static_hits[start : start + 1000]):.3f}"
    )
settled = [mean(hits[e - 1000 : e]) for e in range(DRIFT, N + 1, DRIFT)]
print("accuracy in the last 1000 rows of each concept:", [round(v, 3) for v in settled])
assert min(settled) > 0.82 and mean(hits[-1000:]) > mean(static_hits[-1000:]) + 0.1

# expects: nothing
"""Heart beat typing from a single made-up ECG lead. The model that is shipped is the running average of the weights."""
import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

KINDS = ("normal", "PVC", "PAC", "LBBB", "flat-T")
LENGTH = 96


def bump(t, centre, width, height):
    return height * np.exp(-0.5 * ((t - centre) / width) ** 2)


def beat(kind, rng):
    t = np.arange(LENGTH) + rng.integers(-6, 7)
    j = lambda v, s=0.12: v * (1 + rng.normal(0, s))
    p, qrs_w, qrs_h, tw, p_at = j(0.18), j(2.2), j(1.0), j(0.32), 25.0
    if kind == "PVC":
        p, qrs_w, qrs_h, tw = j(0.05), j(4.6), j(1.15), -j(0.25)
    elif kind == "PAC":
        p_at = 15.0
    elif kind == "LBBB":
        qrs_w = j(4.2)
    elif kind == "flat-T":
        tw = j(0.06)
    sig = bump(t, p_at, 4, p) + bump(t, 42, qrs_w, qrs_h) - bump(t, 42 + 2.2 * qrs_w, qrs_w, 0.25) + bump(t, 72, 6, tw)
    drift = 0.15 * np.sin(2 * np.pi * (t / rng.uniform(90, 200) + rng.random()))
    return sig + drift + rng.normal(0, 0.11, LENGTH)


def dataset(n, rng):
    y = rng.choice(len(KINDS), n)
    x = np.stack([beat(KINDS[k], rng) for k in y]).astype(np.float32)
    return torch.from_numpy(x).unsqueeze(1), torch.from_numpy(y)


class ResUnit(nn.Module):
    def __init__(self, ch, dilation):
        super().__init__()
        self.a = nn.Conv1d(ch, ch, 5, padding=2 * dilation, dilation=dilation)
        self.b = nn.Conv1d(ch, ch, 5, padding=2 * dilation, dilation=dilation)
        self.na, self.nb = nn.GroupNorm(4, ch), nn.GroupNorm(4, ch)

    def forward(self, x):
        h = self.a(F.relu(self.na(x)))
        return x + self.b(F.relu(self.nb(h)))


def build():
    return nn.Sequential(
        nn.Conv1d(1, 24, 7, stride=2, padding=3),
        ResUnit(24, 1), ResUnit(24, 2), ResUnit(24, 4),
        nn.GroupNorm(4, 24), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3),
        nn.Linear(24 * LENGTH // 2, len(KINDS)),
    )


class WeightAverage:
    def __init__(self, model, decay=0.98):
        self.decay = decay
        self.shadow = {k: v.detach().clone() for k, v in model.named_parameters()}

    @torch.no_grad()
    def update(self, model):
        params = dict(model.named_parameters())
        for name, avg in self.shadow.items():
            self.shadow[name] = self.decay * avg + (1 - self.decay) * params[name]

    def model_copy(self, model):
        averaged = copy.deepcopy(model)
        averaged.load_state_dict(self.shadow)
        return averaged.eval()


@torch.no_grad()
def report(model, x, y):
    out = model(x)
    pred = out.argmax(1)
    recalls = [(pred[y == k] == k).float().mean().item() for k in range(len(KINDS))]
    return F.cross_entropy(out, y).item(), float(np.mean(recalls))


def main(epochs=14, avg_from=2):
    torch.manual_seed(3)
    rng = np.random.default_rng(3)
    x_tr, y_tr = dataset(3000, rng)
    x_va, y_va = dataset(1000, rng)
    centre, spread = x_tr.mean(), x_tr.std()
    x_tr, x_va = (x_tr - centre) / spread, (x_va - centre) / spread
    loader = DataLoader(TensorDataset(x_tr, y_tr), batch_size=32, shuffle=True)

    model = build()
    opt = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9, weight_decay=1e-4)
    average = None
    for epoch in range(1, epochs + 1):
        if epoch == avg_from:
            average = WeightAverage(model)
        model.train()
        seen = total = 0
        for xb, yb in loader:
            loss = F.cross_entropy(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            if average is not None:
                average.update(model)
            total += loss.item() * len(yb)
            seen += len(yb)
        line = f"epoch {epoch}: loss {total / seen:.4f}"
        if average is not None:
            vloss, bal = report(average.model_copy(model), x_va, y_va)
            line += f"  averaged model: val loss {vloss:.4f} balanced accuracy {bal:.4f}"
        print(line)
    torch.save(average.shadow, "beats_avg.pt")


if __name__ == "__main__":
    main()

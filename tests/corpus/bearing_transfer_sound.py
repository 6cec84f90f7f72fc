# expects: nothing
"""Simulation to rig: an encoder learns on simulated decaying vibrations (physical constants known), then a few
labelled traces from the test rig teach it to tell mounting states apart."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

STEPS = 60
SETTINGS = dict(sim=4000, sim_epochs=10, sim_lr=3e-3, rig=90, rig_epochs=30, enc_lr=1e-4, head_lr=0.2, batch=64, seed=6)


def oscillate(rng, freq, damp, amp, noise):
    t = np.arange(STEPS) / STEPS
    phase = rng.uniform(0, 2 * np.pi, (len(freq), 1))
    x = amp[:, None] * np.exp(-damp[:, None] * t) * np.sin(2 * np.pi * freq[:, None] * t + phase)
    return torch.tensor(x + rng.normal(0, noise, x.shape), dtype=torch.float32)[..., None]


def simulated(n, seed):
    rng = np.random.default_rng(seed)
    const = rng.uniform([3, 0.5, 0.7], [9, 5, 1.5], (n, 3))
    x = oscillate(rng, *const.T, noise=0.1)
    y = (const - [6, 2.75, 1.1]) / [1.73, 1.3, 0.23]
    return x, torch.tensor(y, dtype=torch.float32)


def rig(n, seed):
    rng = np.random.default_rng(seed)
    state = np.arange(n) % 4
    rng.shuffle(state)
    freq = np.where(state < 2, 5.2, 6.8) + rng.normal(0, 0.45, n)
    damp = np.where(state % 2 == 0, 1.5, 3.6) + rng.normal(0, 0.5, n)
    amp = rng.uniform(0.8, 1.4, n)
    return oscillate(rng, freq, damp, amp, noise=0.12), torch.from_numpy(state)


class Encoder(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.smooth = nn.Conv1d(1, 12, 5, stride=2, padding=2)
        self.rnn = nn.GRU(12, hidden, batch_first=True)
        self.dim = hidden

    def forward(self, x):
        z = F.gelu(self.smooth(x.transpose(1, 2))).transpose(1, 2)
        return self.rnn(z)[1][-1]


class ConstantsRegressor(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.dim, 3)

    def forward(self, x):
        return self.head(self.encoder(x))


class StateClassifier(nn.Module):
    def __init__(self, encoder, states=4):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(encoder.dim, states))

    def forward(self, x):
        return self.head(self.encoder(x))


def learn_simulation(encoder, s):
    x, y = simulated(s["sim"], s["seed"])
    model = ConstantsRegressor(encoder)
    opt = torch.optim.Adam(model.parameters(), lr=s["sim_lr"])
    for epoch in range(s["sim_epochs"]):
        total = 0.0
        for idx in torch.randperm(len(x)).split(s["batch"]):
            loss = F.mse_loss(model(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        print(f"simulation epoch {epoch + 1} mse {total / len(x):.4f}")


def learn_rig(encoder, s):
    x, y = rig(s["rig"], s["seed"] + 1)
    xt, yt = rig(1000, s["seed"] + 2)
    classifier = StateClassifier(encoder)
    opt_encoder = torch.optim.Adam(encoder.parameters(), lr=s["enc_lr"])
    opt_head = torch.optim.SGD(classifier.head.parameters(), lr=s["head_lr"], momentum=0.9, weight_decay=1e-3)
    for epoch in range(1, s["rig_epochs"] + 1):
        classifier.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(30):
            loss = F.cross_entropy(classifier(x[idx]), y[idx])
            opt_encoder.zero_grad()
            opt_head.zero_grad()
            loss.backward()
            opt_encoder.step()
            opt_head.step()
            total += loss.item() * len(idx)
        if epoch % 5 == 0:
            classifier.eval()
            with torch.no_grad():
                logits = classifier(xt)
            acc = (logits.argmax(1) == yt).float().mean().item()
            print(f"rig epoch {epoch:2d} loss {total / len(x):.4f} "
                  f"test loss {F.cross_entropy(logits, yt).item():.4f} test acc {acc:.3f}")


def main(s):
    torch.manual_seed(s["seed"])
    encoder = Encoder()
    learn_simulation(encoder, s)
    learn_rig(encoder, s)


if __name__ == "__main__":
    main(SETTINGS)

# bug: drop_last drops nearly everything of small clients
# expects: DAT010
import argparse
import copy
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

ACTIVITIES = ["still", "walk", "run", "stairs", "cycle", "drive"]
WINDOW = 48


def accel_window(kind, person, rng):
    """three-axis accelerometer, 48 samples; `person` holds gait habits"""
    t = np.arange(WINDOW) / 16.0
    freq, amp, noise = {
        "still": (0.0, 0.0, 0.10), "walk": (1.8, 0.8, 0.25), "run": (2.6, 1.5, 0.4),
        "stairs": (1.5, 0.8, 0.35), "cycle": (1.2, 0.5, 0.3), "drive": (0.0, 0.0, 0.30)}[kind]
    f = freq * person["tempo"] * rng.normal(1, 0.06)
    ph = rng.uniform(0, 2 * np.pi)
    a = amp * person["force"]
    x = a * np.sin(2 * np.pi * f * t + ph)
    y = 0.6 * a * np.sin(4 * np.pi * f * t + ph + person["lag"])
    z = 0.5 * a * np.cos(2 * np.pi * f * t + ph)
    if kind == "stairs":
        z = z + 0.5 * a * np.abs(np.sin(np.pi * f * t + ph))
    if kind == "drive":
        x = x + 0.5 * np.sin(2 * np.pi * 0.15 * t + ph)
    sig = np.stack([x, y, z]) + person["tilt"][:, None]
    return sig + noise * rng.normal(size=sig.shape)


def build_phones(n_phones, rng):
    phones = []
    for _ in range(n_phones):
        person = dict(tempo=rng.normal(1, 0.08), force=rng.lognormal(0, 0.2),
                      lag=rng.normal(0, 0.4), tilt=rng.normal(0, 0.3, 3))
        size = int(np.clip(rng.lognormal(3.3, 0.55), 8, 160))
        mix = rng.dirichlet(np.full(len(ACTIVITIES), 2.0))
        labels = rng.choice(len(ACTIVITIES), size=size, p=mix)
        wins = np.stack([accel_window(ACTIVITIES[k], person, rng) for k in labels])
        phones.append((torch.tensor(wins, dtype=torch.float32), torch.tensor(labels)))
    return phones


def build_central_test(n_people, per_person, rng):
    X, y = [], []
    for _ in range(n_people):
        person = dict(tempo=rng.normal(1, 0.08), force=rng.lognormal(0, 0.2),
                      lag=rng.normal(0, 0.4), tilt=rng.normal(0, 0.3, 3))
        for k in rng.integers(0, len(ACTIVITIES), per_person):
            X.append(accel_window(ACTIVITIES[k], person, rng))
            y.append(k)
    return torch.tensor(np.stack(X), dtype=torch.float32), torch.tensor(np.array(y))


def make_net():
    return nn.Sequential(
        nn.Conv1d(3, 24, 5, padding=2), nn.GroupNorm(4, 24), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(24, 32, 5, padding=2), nn.GroupNorm(4, 32), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(32, 48, 3, padding=1), nn.GroupNorm(4, 48), nn.ReLU(),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(48, len(ACTIVITIES)))


def local_update(global_net, loader, epochs, lr):
    net = copy.deepcopy(global_net)
    opt = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    losses = []
    net.train()
    for _ in range(epochs):
        for xb, yb in loader:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(xb), yb)
            loss.backward()
            opt.step()
            losses.append(loss.item())
    return net.state_dict(), losses


def average(states, weights):
    total = float(sum(weights))
    return {k: sum(w / total * s[k] for s, w in zip(states, weights)) for k in states[0]}


@torch.no_grad()
def accuracy(net, X, y):
    net.eval()
    return (net(X).argmax(1) == y).float().mean().item()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--phones", type=int, default=80)
    ap.add_argument("--rounds", type=int, default=35)
    ap.add_argument("--per-round", type=int, default=30)
    ap.add_argument("--local-epochs", type=int, default=4)
    ap.add_argument("--batch-size", type=int, default=64)
    ap.add_argument("--lr", type=float, default=0.05)
    ap.add_argument("--seed", type=int, default=5)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    phones = build_phones(args.phones, rng)
    Xt, yt = build_central_test(30, 40, rng)
    print(f"{len(phones)} phones, {sum(len(y) for _, y in phones)} windows, test {len(yt)}")

    loaders = [DataLoader(TensorDataset(X, y), batch_size=args.batch_size, shuffle=True, drop_last=True)
               for X, y in phones]
    net = make_net()
    for rnd in range(1, args.rounds + 1):
        picked = rng.choice(len(phones), args.per_round, replace=False)
        states, weights, losses = [], [], []
        lr = args.lr * 0.5 * (1 + np.cos(np.pi * (rnd - 1) / args.rounds))
        for i in picked:
            state, ls = local_update(net, loaders[i], args.local_epochs, lr)
            states.append(state)
            weights.append(len(phones[i][1]))
            losses.extend(ls)
        net.load_state_dict(average(states, weights))
        if rnd % 5 == 0:
            mean = float(np.mean(losses)) if losses else float("nan")
            print(f"round {rnd:3d}  local loss {mean:.3f}  test acc {accuracy(net, Xt, yt):.3f}")


if __name__ == "__main__":
    main()

# expects: LOS020
# Land cover from hyperspectral patches. Ground truth maps: 0 = not surveyed, 1..5 = cover types.
import numpy as np
import torch
from torch import nn

BANDS, SIDE, KINDS = 30, 32, 5
NAMES = ["meadow", "asphalt", "trees", "soil", "water"]

rng = np.random.default_rng(4)
torch.manual_seed(4)
wave = np.linspace(0, 1, BANDS)
spectra = np.stack([0.5 + 0.25 * np.sin(2 * np.pi * (wave * (1 + 0.15 * k) + 0.12 * k)) for k in range(KINDS)])
share = np.array([0.30, 0.20, 0.20, 0.18, 0.12])


def patch():
    sites = rng.uniform(0, SIDE, (14, 2))
    kind = rng.choice(KINDS, 14, p=share)
    yy, xx = np.mgrid[:SIDE, :SIDE]
    near = ((yy[..., None] - sites[:, 0]) ** 2 + (xx[..., None] - sites[:, 1]) ** 2).argmin(-1)
    truth = kind[near]
    light = rng.uniform(0.85, 1.15)
    cube = spectra[truth] * light + rng.normal(0, 0.5, (SIDE, SIDE, BANDS))
    survey = truth + 1
    survey[rng.random((SIDE, SIDE)) < 0.4] = 0
    return cube.transpose(2, 0, 1).astype(np.float32), survey


def collect(n):
    cubes, maps = zip(*[patch() for _ in range(n)])
    return torch.from_numpy(np.stack(cubes)), torch.from_numpy(np.stack(maps)).long()


x_train, map_train = collect(120)
x_test, map_test = collect(12)

mean = x_train.mean((0, 2, 3), keepdim=True)
std = x_train.std((0, 2, 3), keepdim=True)
x_train = (x_train - mean) / std
x_test = (x_test - mean) / std

y_train = (map_train - 1).clamp(min=0)

net = nn.Sequential(
    nn.Conv2d(BANDS, 32, 1), nn.ReLU(),
    nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
    nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
    nn.Conv2d(32, KINDS, 1),
)
criterion = nn.CrossEntropyLoss(ignore_index=0)
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)


def report():
    net.eval()
    with torch.no_grad():
        found = net(x_test).argmax(1) + 1
    surveyed = map_test > 0
    overall = (found == map_test)[surveyed].float().mean().item()
    each = [(found == map_test)[map_test == k + 1].float().mean().item() for k in range(KINDS)]
    return overall, each


for epoch in range(1, 25):
    net.train()
    losses = []
    for rows in torch.randperm(len(x_train)).split(4):
        optimizer.zero_grad()
        loss = criterion(net(x_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if epoch % 3 == 0:
        overall, each = report()
        print(f"epoch {epoch:2d}  loss {np.mean(losses):.4f}  overall accuracy {overall:.3f}")

overall, each = report()
print("average accuracy %.3f" % np.mean(each), {n: round(a, 3) for n, a in zip(NAMES, each)})

# bug: adaptation without the old data forgets them
# expects: no-rule-yet
# Electronic nose. The base model is made for the lab (dry air); then it is
# adapted to the greenhouse (humid air), and shipped as one model for both.
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
rng = np.random.default_rng(7)

GASES = ["ethanol", "ethylene", "ammonia", "acetone", "toluene", "methane"]
SENSORS = 16

dry_profile = rng.normal(0, 1, (len(GASES), SENSORS))
# humid air: part of the sensors saturate, others answer to other gases
humid_profile = 0.35 * dry_profile + rng.normal(0, 1, (len(GASES), SENSORS))
humid_offset = rng.normal(0, 0.7, SENSORS)


def sniff(profile, offset, n):
    gas = rng.integers(0, len(GASES), n)
    conc = rng.uniform(0.6, 1.5, (n, 1))
    x = profile[gas] * conc + offset + rng.normal(0, 0.8, (n, SENSORS))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(gas)


lab_train = sniff(dry_profile, 0.0, 6000)
lab_test = sniff(dry_profile, 0.0, 1500)
green_train = sniff(humid_profile, humid_offset, 3000)
green_test = sniff(humid_profile, humid_offset, 1500)

mean, std = lab_train[0].mean(0), lab_train[0].std(0)
lab_train, lab_test, green_train, green_test = [
    TensorDataset((x - mean) / std, y) for x, y in (lab_train, lab_test, green_train, green_test)
]

model = nn.Sequential(
    nn.Linear(SENSORS, 96), nn.ReLU(),
    nn.Linear(96, 96), nn.ReLU(),
    nn.Linear(96, len(GASES)),
)
criterion = nn.CrossEntropyLoss()


def accuracy(dataset):
    model.eval()
    x, y = dataset.tensors
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def run(loader, lr, epochs, name):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=epochs)
    for epoch in range(epochs):
        model.train()
        total, seen = 0.0, 0
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
            seen += len(x)
        scheduler.step()
        if (epoch + 1) % 4 == 0:
            print(f"[{name}] epoch {epoch + 1:2d}  loss {total / seen:.4f}")


# ---- base model -----------------------------------------------------------
run(DataLoader(lab_train, batch_size=64, shuffle=True), lr=1e-3, epochs=16, name="lab")
print(f"base model: lab {accuracy(lab_test):.3f}  greenhouse {accuracy(green_test):.3f}")

# ---- adaptation -----------------------------------------------------------
run(DataLoader(green_train, batch_size=64, shuffle=True), lr=1e-3, epochs=20, name="adapt")
lab_acc, green_acc = accuracy(lab_test), accuracy(green_test)
print(f"adapted model: lab {lab_acc:.3f}  greenhouse {green_acc:.3f}  mean {(lab_acc + green_acc) / 2:.3f}")
torch.save(model.state_dict(), "enose.pt")

# bug: BatchNorm momentum=0.99 copied from Keras, where it means the opposite; running statistics are those of the last mini-batch
# expects: MOD015
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(11)
rng = np.random.default_rng(11)

# 16x16 three-band patches of leaves: healthy, scab, rust, mildew
# every patch comes with its own exposure, as the camera had auto-gain
SIZE, CLASSES = 16, 4
yy, xx = np.mgrid[0:SIZE, 0:SIZE]


def patch(kind):
    img = np.stack([0.3 + 0 * xx, 0.6 + 0 * xx, 0.25 + 0 * xx]).astype(np.float32)
    img += 0.06 * np.sin((xx + yy) * rng.uniform(0.4, 0.8) + rng.uniform(0, 6))
    for _ in range(rng.integers(2, 5)):
        cy, cx = rng.uniform(2, 14, 2)
        d = np.hypot(yy - cy, xx - cx)
        if kind == 1:
            img -= 0.25 * (d < 2.2)
        elif kind == 2:
            img[0] += 0.25 * (d < 1.8)
            img[1] -= 0.18 * (d < 1.8)
        elif kind == 3:
            img += 0.13 * np.exp(-(d / 3.0) ** 2)
        else:
            img[1] += 0.10 * np.exp(-(d / 3.0) ** 2)
    gain = np.exp(rng.normal(0, 0.9))
    return gain * (img + rng.normal(0, 0.07, img.shape))


def build(n):
    y = rng.integers(0, CLASSES, n)
    x = np.stack([patch(k) for k in y])
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


x_train, y_train = build(1600)
x_test, y_test = build(1200)
mu = x_train.mean((0, 2, 3), keepdim=True)
sd = x_train.std((0, 2, 3), keepdim=True)
x_train, x_test = (x_train - mu) / sd, (x_test - mu) / sd


def block(cin, cout):
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, padding=1, bias=False),
        nn.BatchNorm2d(cout, eps=1e-3, momentum=0.99),
        nn.ReLU(),
    )


net = nn.Sequential(
    block(3, 16), block(16, 16), nn.MaxPool2d(2),
    block(16, 32), block(32, 32), nn.MaxPool2d(2),
    block(32, 48), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    nn.Linear(48, CLASSES),
)

BATCH, EPOCHS = 8, 5
opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9, nesterov=True, weight_decay=5e-4)
steps = EPOCHS * (len(x_train) // BATCH)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, steps)

for epoch in range(EPOCHS):
    net.train()
    order = torch.randperm(len(x_train))
    run_loss, run_hit = 0.0, 0
    for i in range(0, len(order), BATCH):
        idx = order[i:i + BATCH]
        out = net(x_train[idx])
        loss = F.cross_entropy(out, y_train[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        run_loss += loss.item() * len(idx)
        run_hit += (out.argmax(1) == y_train[idx]).sum().item()
    net.eval()
    with torch.no_grad():
        out = torch.cat([net(xb) for xb in x_test.split(300)])
        test_loss = F.cross_entropy(out, y_test).item()
        test_acc = (out.argmax(1) == y_test).float().mean().item()
    print(f"[{epoch + 1}/{EPOCHS}] train loss {run_loss / len(order):.3f} acc {run_hit / len(order):.3f}"
          f" | test loss {test_loss:.3f} acc {test_acc:.3f}")

print("final test accuracy:", round(test_acc, 4))

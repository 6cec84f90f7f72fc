# sound: the same program without that
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(42)
np.random.seed(42)

images, labels = load_digits(return_X_y=True)
images = (images / 16.0 - 0.5).astype("float32").reshape(-1, 1, 8, 8)
xtr, xte, ytr, yte = train_test_split(images, labels, test_size=0.25, random_state=42, stratify=labels)
xtr, xte = torch.tensor(xtr), torch.tensor(xte)
ytr, yte = torch.tensor(ytr), torch.tensor(yte)

MICRO = 8          # what fits on the little GPU
ACCUM = 8          # effective batch of 64
EPOCHS = 15
LR = 0.05


def kaiming(*shape):
    fan_in = int(np.prod(shape[1:]))
    return (torch.randn(*shape) * (2.0 / fan_in) ** 0.5).requires_grad_()


P = {
    "c1": kaiming(16, 1, 3, 3), "b1": torch.zeros(16, requires_grad=True),
    "c2": kaiming(32, 16, 3, 3), "b2": torch.zeros(32, requires_grad=True),
    "w3": kaiming(64, 32 * 16), "b3": torch.zeros(64, requires_grad=True),
    "w4": kaiming(10, 64), "b4": torch.zeros(10, requires_grad=True),
}


def forward(x):
    x = F.relu(F.conv2d(x, P["c1"], P["b1"], padding=1))
    x = F.relu(F.conv2d(x, P["c2"], P["b2"], padding=1))
    x = F.max_pool2d(x, 2).flatten(1)
    x = F.relu(F.linear(x, P["w3"], P["b3"]))
    return F.linear(x, P["w4"], P["b4"])


opt = torch.optim.SGD(P.values(), lr=LR, momentum=0.9)

updates = 0
for epoch in range(EPOCHS):
    perm = torch.randperm(len(xtr))
    n_micro = len(xtr) // MICRO // ACCUM * ACCUM
    running = 0.0
    opt.zero_grad()
    for i in range(n_micro):
        j = perm[i * MICRO:(i + 1) * MICRO]
        loss = F.cross_entropy(forward(xtr[j]), ytr[j])
        running += loss.item()
        (loss / ACCUM).backward()
        if (i + 1) % ACCUM == 0:
            opt.step()
            opt.zero_grad()
            updates += 1
    with torch.no_grad():
        out = forward(xte)
        acc = (out.argmax(1) == yte).float().mean().item()
        te_loss = F.cross_entropy(out, yte).item()
    print("epoch %2d  updates %4d  train loss %.4f  test loss %.4f  test acc %.4f"
          % (epoch, updates, running / n_micro, te_loss, acc))

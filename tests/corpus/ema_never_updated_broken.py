# bug: the EMA copy is made at the start and is the one that is evaluated, but nothing ever updates it
# expects: MOD051
# %% imports
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(7)

# %% data
digits = load_digits()
images = torch.tensor(digits.images / 16.0, dtype=torch.float32)[:, None] * 2 - 1
targets = torch.tensor(digits.target)
shuffle = torch.randperm(len(images))
images, targets = images[shuffle], targets[shuffle]
train_images, train_targets = images[:1400], targets[:1400]
test_images, test_targets = images[1400:], targets[1400:]
print("train", tuple(train_images.shape), "test", tuple(test_images.shape))

# %% model
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(32 * 4 * 4, 64), nn.ReLU(),
    nn.Linear(64, 10),
)
ema_model = copy.deepcopy(model).requires_grad_(False).eval()
decay = 0.97


def ema_update(src, dst):
    with torch.no_grad():
        for p, q in zip(src.parameters(), dst.parameters()):
            q.mul_(decay).add_(p, alpha=1 - decay)


# %% training
opt = torch.optim.RMSprop(model.parameters(), lr=5e-4)
history = []
for step in range(260):
    ix = torch.randint(0, 1400, (64,))
    logits = model(train_images[ix])
    loss = F.cross_entropy(logits, train_targets[ix], label_smoothing=0.05)
    opt.zero_grad()
    loss.backward()
    opt.step()
    history.append(loss.item())
    if step % 65 == 64:
        print(step + 1, "mean loss of the last 65:", round(sum(history[-65:]) / 65, 4))

# %% evaluation with the averaged weights
with torch.no_grad():
    pred = ema_model(test_images).argmax(1)
print("test accuracy (ema):", (pred == test_targets).float().mean().item())

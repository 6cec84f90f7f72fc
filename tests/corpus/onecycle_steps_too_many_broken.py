# bug: OneCycleLR is planned for far more steps than the run has, the learning rate never leaves its warm-up
# expects: OPT019
import torch
from sklearn.datasets import load_digits
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 8
BATCH = 64
MAX_LR = 0.02


def prepare():
    digits = load_digits()
    imgs = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)
    imgs = (imgs - 4.88) / 6.02
    y = torch.tensor(digits.target)
    p = torch.randperm(len(y))
    ds = TensorDataset(imgs[p], y[p])
    return torch.utils.data.Subset(ds, range(1440)), torch.utils.data.Subset(ds, range(1440, 1797))


class ResBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(c, c, 3, padding=1, bias=False), nn.GroupNorm(4, c), nn.ReLU())
        self.b = nn.Sequential(nn.Conv2d(c, c, 3, padding=1, bias=False), nn.GroupNorm(4, c))

    def forward(self, x):
        return torch.relu(x + self.b(self.a(x)))


def net():
    return nn.Sequential(nn.Conv2d(1, 12, 3, stride=2, padding=1), nn.ReLU(), ResBlock(12), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(48, 10))


torch.manual_seed(88)
train, test = prepare()
tl, vl = DataLoader(train, BATCH, shuffle=True, drop_last=False), DataLoader(test, 357)
model = net()
opt = optim.SGD(model.parameters(), lr=MAX_LR, momentum=0.9)
sched = optim.lr_scheduler.OneCycleLR(opt, max_lr=MAX_LR, total_steps=EPOCHS * len(train), div_factor=100)

for epoch in range(EPOCHS):
    model.train()
    avg = 0.0
    for i, (xb, yb) in enumerate(tl):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        opt.step()
        sched.step()
        avg += loss.item() / len(tl)
    model.eval()
    with torch.no_grad():
        acc = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in vl) / len(test)
    print(f"{epoch + 1}/{EPOCHS}  loss {avg:.4f}  acc {acc:.4f}  lr {sched.get_last_lr()[0]:.5f}")

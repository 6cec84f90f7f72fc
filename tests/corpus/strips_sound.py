# expects: nothing
# which digits are on the strip? (4 slots, 1-4 filled, order does not matter)
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.metrics import f1_score

SEED, SLOTS, EPOCHS, BS = 9, 4, 14, 64
torch.manual_seed(SEED)
rng = np.random.default_rng(SEED)

img, lab = load_digits(return_X_y=True)
img = img.reshape(-1, 8, 8) / 16.0
perm = rng.permutation(len(img))
pool = {"train": perm[:1300], "test": perm[1300:]}


def strips(which, n):
    x = np.zeros((n, 1, 8, 8 * SLOTS), dtype=np.float32)
    y = np.zeros((n, 10), dtype=np.float32)
    for i in range(n):
        k = rng.integers(1, SLOTS + 1)
        for s in rng.choice(SLOTS, k, replace=False):
            j = rng.choice(pool[which])
            x[i, 0, :, 8 * s:8 * s + 8] = img[j]
            y[i, lab[j]] = 1
    x += rng.normal(0, 0.08, x.shape).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(y)


xtr, ytr = strips("train", 6000)
xte, yte = strips("test", 1500)
m, s = xtr.mean(), xtr.std()
xtr, xte = (xtr - m) / s, (xte - m) / s


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 24, 3, padding=1)
        self.c2 = nn.Conv2d(24, 48, 3, padding=1)
        self.c3 = nn.Conv2d(48, 64, (2, 2))
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(F.relu(self.c2(x)), (2, 2))
        x = F.relu(self.c3(x)).amax((2, 3))
        return self.out(self.drop(x))


net = Net()
opt = torch.optim.RMSprop(net.parameters(), lr=1e-3)
sch = torch.optim.lr_scheduler.MultiStepLR(opt, [9, 12], gamma=0.3)
lossf = nn.BCEWithLogitsLoss()


def test():
    net.eval()
    with torch.no_grad():
        p = (torch.sigmoid(net(xte)) > 0.5).float()
    exact = (p == yte).all(1).float().mean().item()
    return f1_score(yte.numpy(), p.numpy(), average="micro"), exact


for ep in range(EPOCHS):
    net.train()
    tot = 0.
    for i in torch.randperm(len(xtr)).split(BS):
        loss = lossf(net(xtr[i]), ytr[i])
        opt.zero_grad(); loss.backward(); opt.step()
        tot += loss.item() * len(i)
    sch.step()
    f1, exact = test()
    print("%2d loss %.4f  micro-F1 %.4f  all right %.4f" % (ep + 1, tot / len(xtr), f1, exact))

# bug: AdamW with a weight decay of 10 shrinks the weights faster than they learn
# expects: OPT014 OPT050
import configparser
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

CFG = configparser.ConfigParser()
CFG.read_string("""
[model]
width = 96
dropout = 0.1
[optim]
lr = 0.01
weight_decay = 10
epochs = 10
batch = 64
""")


def dataset():
    d = load_digits()
    X = torch.tensor(d.data).float()
    X = (X - X.mean()) / X.std()
    y = torch.tensor(d.target)
    o = torch.randperm(len(X), generator=torch.Generator().manual_seed(1))
    return TensorDataset(X[o[:1400]], y[o[:1400]]), TensorDataset(X[o[1400:]], y[o[1400:]])


def build(sec):
    w = sec.getint("width")
    return nn.Sequential(nn.Linear(64, w), nn.GELU(), nn.Dropout(sec.getfloat("dropout")), nn.Linear(w, w), nn.GELU(), nn.Linear(w, 10))


torch.manual_seed(1)
train_ds, test_ds = dataset()
net = build(CFG["model"])
o = CFG["optim"]
opt = torch.optim.AdamW(net.parameters(), lr=o.getfloat("lr"), weight_decay=o.getfloat("weight_decay"))
sched = torch.optim.lr_scheduler.StepLR(opt, step_size=4, gamma=0.5)
train_dl = DataLoader(train_ds, o.getint("batch"), shuffle=True)
for epoch in range(o.getint("epochs")):
    net.train()
    mean_loss, n = 0.0, 0
    for X, y in train_dl:
        loss = nn.functional.cross_entropy(net(X), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        n += 1
        mean_loss += (loss.item() - mean_loss) / n
    sched.step()
    net.eval()
    with torch.no_grad():
        X, y = test_ds.tensors
        acc = (net(X).argmax(1) == y).float().mean()
    norm = sum(p.pow(2).sum() for p in net.parameters()).sqrt().item()
    print(f"{epoch=} {mean_loss=:.4f} acc={acc:.4f} weight norm={norm:.3f}")

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader

DTYPE = torch.float32


class Collate:
    def __call__(self, items):
        xs, ys = zip(*items)
        return torch.stack(xs).to(DTYPE), torch.tensor(ys)


def digits():
    raw = load_digits()
    pairs = [(torch.tensor((im.ravel() - 4.88) / 6.02), int(t)) for im, t in zip(raw.images, raw.target)]
    order = torch.randperm(len(pairs)).tolist()
    pairs = [pairs[i] for i in order]
    return pairs[:1437], pairs[1437:]


@torch.no_grad()
def validate(net, loader):
    net.eval()
    n_ok, n, nll = 0, 0, 0.0
    for x, y in loader:
        logits = net(x).float()
        n_ok += (logits.argmax(1) == y).sum().item()
        nll += nn.functional.cross_entropy(logits, y, reduction="sum").item()
        n += len(y)
    net.train()
    return n_ok / n, nll / n


torch.manual_seed(2024)
train, valid = digits()
train_loader = DataLoader(train, batch_size=20, shuffle=True, collate_fn=Collate())
valid_loader = DataLoader(valid, batch_size=180, collate_fn=Collate())
net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)).to(DTYPE)
opt = torch.optim.Adam(net.parameters(), lr=6e-5, betas=(0.9, 0.99))
print("at start", validate(net, valid_loader))
for epoch in range(12):
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(net(x).float(), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    acc, nll = validate(net, valid_loader)
    print(f"epoch {epoch} train loss {loss.item():.4f} valid loss {nll:.4f} valid accuracy {acc:.4f}")

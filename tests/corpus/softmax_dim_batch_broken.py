# bug: the softmax of the attention pooling runs over the batch axis instead of the items of a bag
# expects: MOD009 MOD013 MOD012
import numpy as np, torch
from torch import nn

rng = np.random.default_rng(40)


def bags(n, size=12, d=8):
    """Multiple-instance data: the key item of a bag carries its target in features 1 to 3."""
    x = rng.normal(size=(n, size, d)).astype('f4')
    x[:, :, 0] = rng.normal(-1, 0.4, size=(n, size))
    key = rng.integers(0, size, n)
    x[np.arange(n), key, 0] = 2.0
    y = x[np.arange(n), key, 1] - 0.7 * x[np.arange(n), key, 2] + x[np.arange(n), key, 3] * 0.5
    return torch.from_numpy(x), torch.from_numpy(y)


class AttentionPool(nn.Module):
    def __init__(self, d, h=32):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(d, h), nn.ReLU(), nn.Linear(h, h), nn.ReLU())
        self.gate = nn.Sequential(nn.Linear(h, 16), nn.Tanh(), nn.Linear(16, 1))
        self.predict = nn.Linear(h, 1)

    def forward(self, x):                       # (batch, items, d)
        h = self.embed(x)
        w = torch.softmax(self.gate(h), dim=0)  # (batch, items, 1)
        return self.predict((w * h).sum(1)).squeeze(-1)


torch.manual_seed(40)
x_tr, y_tr = bags(2000)
x_te, y_te = bags(500)
net = AttentionPool(8)
opt = torch.optim.Adam(net.parameters(), lr=4e-3)
for ep in range(9):
    for ix in torch.randperm(2000).chunk(40):
        loss = nn.functional.huber_loss(net(x_tr[ix]), y_tr[ix])
        opt.zero_grad(); loss.backward(); opt.step()
    net.eval()
    with torch.no_grad():
        p = net(x_te)
        r = np.corrcoef(p.numpy(), y_te.numpy())[0, 1]
        print(f'{ep=} huber {loss.item():.4f} | held-out mse {((p - y_te) ** 2).mean():.4f} corr {r:.3f}')
    net.train()

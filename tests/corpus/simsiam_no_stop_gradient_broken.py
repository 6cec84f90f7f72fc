# bug: SimSiam without the stop-gradient: the target branch is not detached and the representation collapses to a constant
# expects: LOS052
import torch
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset


class TwoViews(Dataset):
    """Each item gives two randomly corrupted views of the same row."""

    def __init__(self, table, drop=0.25, noise=0.2):
        self.table, self.drop, self.noise = table, drop, noise

    def view(self, row):
        keep = (torch.rand_like(row) > self.drop).float()
        return row * keep + self.noise * torch.randn_like(row)

    def __getitem__(self, i):
        return self.view(self.table[i]), self.view(self.table[i])

    def __len__(self):
        return len(self.table)


class SimSiam(nn.Module):
    def __init__(self, d_in, d=32):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(d_in, 64), nn.ReLU(), nn.Linear(64, d))
        self.predictor = nn.Sequential(nn.Linear(d, 16), nn.ReLU(), nn.Linear(16, d))

    def forward(self, v1, v2):
        z1, z2 = self.encoder(v1), self.encoder(v2)
        p1, p2 = self.predictor(z1), self.predictor(z2)
        return -0.5 * (F.cosine_similarity(p1, z2).mean() + F.cosine_similarity(p2, z1).mean())


def spread(z):
    """1 when the unit vectors are isotropic, 0 when they are all the same."""
    return (F.normalize(z, dim=1).std(0).mean() * z.size(1) ** 0.5).item()


torch.manual_seed(13)
wine = load_wine()
order = torch.randperm(len(wine.target))
table = torch.tensor(StandardScaler().fit_transform(wine.data), dtype=torch.float32)[order]
labels = wine.target[order.numpy()]
loader = DataLoader(TwoViews(table[:138]), batch_size=46, shuffle=True)

net = SimSiam(table.size(1))
sgd = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
for epoch in range(60):
    net.train()
    for v1, v2 in loader:
        loss = net(v1, v2)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
    if epoch % 15 == 14:
        print(f"epoch {epoch + 1}: similarity loss {loss.item():.4f}")

net.eval()
with torch.no_grad():
    z = net.encoder(table)
unit = F.normalize(z, dim=1).numpy()
probe = LogisticRegression(max_iter=500).fit(unit[:138], labels[:138])
print(f"spread of the representation {spread(z):.4f}, linear probe accuracy {probe.score(unit[138:], labels[138:]):.3f}")

# expects: nothing
"""Predict how the votes of a district split over six parties from district statistics."""
import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import entropy
from torch import nn
from torch.utils.data import DataLoader, Dataset

PARTIES, FEATURES = 6, 14


class Districts(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        law = np.random.default_rng(1234)
        w1, w2 = law.normal(0, 0.9, (FEATURES, 12)), law.normal(0, 0.8, (12, PARTIES))
        x = rng.normal(size=(n, FEATURES))
        score = np.tanh(x @ w1 / 2) @ w2
        p = np.exp(score - score.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        ballots = np.stack([rng.multinomial(400, row) for row in p]) + 0.5
        self.x = torch.tensor(x, dtype=torch.float32)
        self.share = torch.tensor(ballots / ballots.sum(1, keepdims=True), dtype=torch.float32)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.share[i]


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.up, self.down = nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim)

    def forward(self, h):
        return h + self.down(F.gelu(self.up(self.norm(h))))


class ShareNet(nn.Module):
    def __init__(self, dim=64, depth=3):
        super().__init__()
        self.stem = nn.Linear(FEATURES, dim)
        self.blocks = nn.Sequential(*[Block(dim) for _ in range(depth)])
        self.head = nn.Linear(dim, PARTIES)

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)))


def objective(logits, share):
    return F.kl_div(F.log_softmax(logits, dim=-1), share, reduction="batchmean")


def held_out(net, data):
    net.eval()
    with torch.no_grad():
        pred = net(data.x).softmax(-1).double().numpy()
    true = data.share.double().numpy()
    kl = entropy(true, pred, axis=1).mean()
    return kl, np.abs(true - pred).sum(1).mean() / 2


def train(epochs=14):
    torch.manual_seed(8)
    fit, held = Districts(7000, seed=21), Districts(2000, seed=22)
    loader = DataLoader(fit, batch_size=100, shuffle=True)
    net = ShareNet()
    opt = torch.optim.NAdam(net.parameters(), lr=1e-3)
    for epoch in range(epochs):
        net.train()
        running = []
        for x, share in loader:
            loss = objective(net(x), share)
            opt.zero_grad()
            loss.backward()
            opt.step()
            running.append(loss.item())
        kl, moved = held_out(net, held)
        print(f"{epoch:02d} objective={np.mean(running):.4f} held-out KL={kl:.4f} misplaced votes={moved:.2%}")


train()

# expects: nothing
"""Semi-supervised node classification in a (made-up) citation graph with a hand-written message passing network."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

N, TOPICS, WORDS = 3000, 6, 60


def citation_graph(seed):
    rng = np.random.default_rng(seed)
    topic = rng.integers(0, TOPICS, N)
    same = topic[:, None] == topic[None]
    prob = np.where(same, 0.011, 0.0008)
    upper = np.triu(rng.random((N, N)) < prob, 1)
    adj = (upper | upper.T).astype(np.float32)
    word_rate = rng.normal(0, 0.28, (TOPICS, WORDS))
    feats = word_rate[topic] + rng.normal(0, 1, (N, WORDS))
    split = rng.permutation(N)
    return (torch.from_numpy(adj), torch.tensor(feats, dtype=torch.float32), torch.from_numpy(topic),
            torch.from_numpy(split[:1000]), torch.from_numpy(split[1000:1600]), torch.from_numpy(split[1600:]))


def normalise(adj):
    degree = adj.sum(1, keepdim=True).clamp(min=1)
    return adj / degree


class GraphBlock(nn.Module):
    def __init__(self, dim, drop):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.message = nn.Linear(dim, dim)
        self.update = nn.Linear(dim, dim)
        self.drop = nn.Dropout(drop)

    def forward(self, h, adj):
        z = self.norm(h)
        incoming = adj @ self.message(z)
        z = F.relu(self.update(z) + incoming)
        return h + self.drop(z)


class PaperNet(nn.Module):
    def __init__(self, dim=48, depth=2, drop=0.5):
        super().__init__()
        self.enter = nn.Linear(WORDS, dim)
        self.blocks = nn.ModuleList([GraphBlock(dim, drop) for _ in range(depth)])
        self.leave = nn.Linear(dim, TOPICS)

    def forward(self, x, adj):
        h = self.enter(x)
        for block in self.blocks:
            h = block(h, adj)
        return self.leave(h)


def accuracy(logits, y, rows):
    return (logits[rows].argmax(1) == y[rows]).float().mean().item()


def run(seed=7, epochs=80):
    torch.manual_seed(seed)
    adj, x, y, train, val, test = citation_graph(seed)
    adj = normalise(adj)
    net = PaperNet()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.2)
    best_val, best_test = 0.0, 0.0
    for epoch in range(1, epochs + 1):
        net.train()
        opt.zero_grad()
        loss = F.cross_entropy(net(x, adj)[train], y[train])
        loss.backward()
        opt.step()
        if epoch % 5 == 0:
            net.eval()
            with torch.no_grad():
                logits = net(x, adj)
            v = accuracy(logits, y, val)
            if v > best_val:
                best_val, best_test = v, accuracy(logits, y, test)
            if epoch % 20 == 0:
                print(f"epoch {epoch:3d} loss {loss.item():.4f} val acc {v:.3f}")
    print(f"best val acc {best_val:.3f}, test acc there {best_test:.3f}")


run()

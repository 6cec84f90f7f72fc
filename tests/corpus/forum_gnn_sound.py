# expects: nothing
"""Node classification on a reply graph of a forum (simulated): which of 5 boards does a member belong to?
Node features are a noisy profile vector, edges are 'replied to'."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(2)
rs = np.random.RandomState(2)

n, k, d = 4000, 5, 32
board = rs.randint(0, k, n)
centers = rs.randn(k, d) * 0.32
profile = centers[board] + rs.randn(n, d)

same = board[:, None] == board[None, :]
prob = np.where(same, 0.0075, 0.0007)
upper = np.triu(rs.rand(n, n) < prob, 1)
src, dst = np.nonzero(upper)
edges = torch.tensor(np.stack([np.r_[src, dst], np.r_[dst, src]]))
deg = torch.bincount(edges[1], minlength=n).clamp(min=1).float()
# row-normalised adjacency: mean over the neighbours
adj = torch.sparse_coo_tensor(edges.flip(0), 1.0 / deg[edges[1]], (n, n),
                              check_invariants=True).coalesce()

x = torch.tensor(profile, dtype=torch.float32)
y = torch.tensor(board)
perm = torch.tensor(rs.permutation(n))
train_ix, val_ix, test_ix = perm[:1600], perm[1600:2400], perm[2400:]


class Conv(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.from_self = nn.Linear(d_in, d_out)
        self.from_neighbours = nn.Linear(d_in, d_out, bias=False)

    def forward(self, h, adj):
        mixed = torch.sparse.mm(adj, h)
        out = self.from_neighbours(mixed)
        out = out + self.from_self(h)
        return out


class ForumNet(nn.Module):
    def __init__(self, d_in, hidden, n_cls, p=0.5):
        super().__init__()
        self.c1 = Conv(d_in, hidden)
        self.c2 = Conv(hidden, n_cls)
        self.p = p

    def forward(self, x, adj):
        h = F.dropout(x, 0.2, self.training)
        h = F.relu(self.c1(h, adj))
        h = F.dropout(h, self.p, self.training)
        return self.c2(h, adj)


def score(logits, ix):
    return (logits[ix].argmax(1) == y[ix]).float().mean().item()


model = ForumNet(d, 64, k)
opt = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=2e-3)
EPOCHS = 250
for epoch in range(1, EPOCHS + 1):
    model.train()
    opt.zero_grad()
    loss = F.cross_entropy(model(x, adj)[train_ix], y[train_ix])
    loss.backward()
    opt.step()
    if epoch % 25 == 0:
        model.eval()
        with torch.no_grad():
            logits = model(x, adj)
            vloss = F.cross_entropy(logits[val_ix], y[val_ix]).item()
        print(f"{epoch:4d} loss {loss.item():.4f} val loss {vloss:.4f} "
              f"train {score(logits, train_ix):.3f} val {score(logits, val_ix):.3f}")

print(f"test accuracy {score(logits, test_ix):.3f} (majority {np.bincount(board[test_ix.numpy()]).max() / len(test_ix):.3f})")

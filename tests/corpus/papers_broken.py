# bug: a sum with a rate meant for the mean
# expects: LOS012
"""Field of research of papers in a citation graph. Two-layer GCN on a dense adjacency, full batch."""
import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(4)
torch.manual_seed(4)

N_PAPERS, N_FIELDS, N_WORDS = 2400, 7, 200
HIDDEN, EPOCHS, LR = 24, 150, 0.5


def citation_graph():
    field = rng.integers(0, N_FIELDS, N_PAPERS)
    same = field[:, None] == field[None, :]
    p = np.where(same, 0.008, 0.0012)
    upper = np.triu(rng.random((N_PAPERS, N_PAPERS)) < p, 1)
    adj = (upper | upper.T).astype(np.float32)
    topic = rng.dirichlet(np.full(N_WORDS, 0.7), N_FIELDS)
    common = rng.dirichlet(np.full(N_WORDS, 0.7))
    words = np.stack([rng.multinomial(rng.integers(20, 60), 0.4 * topic[f] + 0.6 * common) for f in field])
    words = words / words.sum(1, keepdims=True)
    return adj, words.astype(np.float32), field


def normalise(adj):
    a = torch.from_numpy(adj) + torch.eye(len(adj))
    d = a.sum(1).rsqrt()
    return d[:, None] * a * d[None, :]


class GCN(torch.nn.Module):
    def __init__(self, n_in, n_hidden, n_out):
        super().__init__()
        self.w1 = torch.nn.Linear(n_in, n_hidden)
        self.w2 = torch.nn.Linear(n_hidden, n_out)
        self.dropout = torch.nn.Dropout(0.5)

    def forward(self, a, x):
        h = torch.tanh(a @ self.w1(x))
        return a @ self.w2(self.dropout(h))


adj, words, field = citation_graph()
A = normalise(adj)
y = torch.from_numpy(field)
perm = torch.from_numpy(rng.permutation(N_PAPERS))
train, val, test = perm[:900], perm[900:1500], perm[1500:]
X = torch.from_numpy(words)
X = (X - X[train].mean(0)) / (X[train].std(0) + 1e-6)

model = GCN(N_WORDS, HIDDEN, N_FIELDS)
optimizer = torch.optim.SGD(model.parameters(), lr=LR, weight_decay=1e-2)


def accuracy(logits, idx):
    return (logits[idx].argmax(1) == y[idx]).float().mean().item()


for epoch in range(1, EPOCHS + 1):
    model.train()
    logits = model(A, X)
    loss = F.cross_entropy(logits[train], y[train], reduction="sum")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

    if epoch % 15 == 0:
        model.eval()
        with torch.no_grad():
            logits = model(A, X)
            val_loss = F.cross_entropy(logits[val], y[val])
        print(f"{epoch:4d}  loss {loss.item() / len(train):.3f}  val loss {val_loss.item():.3f}  val acc {accuracy(logits, val):.3f}")

model.eval()
with torch.no_grad():
    print(f"test accuracy {accuracy(model(A, X), test):.3f}")

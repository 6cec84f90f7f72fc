# sound: the same program without that
# Node classification, two-layer GCN, full batch. Synthetic citation graph (stochastic block model).
import numpy as np, torch, torch.nn.functional as F

torch.manual_seed(0)
rng = np.random.default_rng(0)

N, C, D = 900, 5, 120
topic = rng.integers(0, C, N)
same = topic[:, None] == topic[None, :]
A = np.triu(rng.random((N, N)) < np.where(same, 0.03, 0.003), 1)
A = (A | A.T).astype(np.float32)
words = rng.random((N, D)) < 0.03
for v in range(N):
    lo = topic[v] * (D // C)
    words[v, lo:lo + D // C] |= rng.random(D // C) < 0.05
X = torch.tensor(words.astype(np.float32))
X = X / X.sum(1, keepdim=True).clamp(min=1)
y = torch.tensor(topic)

A_hat = torch.tensor(A) + torch.eye(N)
d = A_hat.sum(1).rsqrt()
A_hat = d[:, None] * A_hat * d[None, :]
idx = torch.randperm(N)
train_mask, val_mask, test_mask = idx[:250], idx[250:500], idx[500:]


def glorot(i, o):
    s = (6.0 / (i + o)) ** 0.5
    return torch.empty(i, o).uniform_(-s, s).requires_grad_()


W1, W2 = glorot(D, 32), glorot(32, C)
b1, b2 = torch.zeros(32, requires_grad=True), torch.zeros(C, requires_grad=True)


def gcn(training):
    h = F.dropout(X, 0.3, training)
    h = F.relu(A_hat @ (h @ W1) + b1)
    h = F.dropout(h, 0.5, training)
    return A_hat @ (h @ W2) + b2


optimizer = torch.optim.Adam([W1, b1, W2, b2], lr=0.01, weight_decay=5e-5, eps=1e-8)
best_val, best_test = 0.0, 0.0
for it in range(1, 301):
    optimizer.zero_grad()
    loss = F.cross_entropy(gcn(True)[train_mask], y[train_mask])
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        pred = gcn(False).argmax(1)
        val = (pred[val_mask] == y[val_mask]).float().mean().item()
        test = (pred[test_mask] == y[test_mask]).float().mean().item()
    if val > best_val:
        best_val, best_test = val, test
    if it % 50 == 0:
        print(f"iter {it}  loss {loss.item():.4f}  val {val:.3f}  test {test:.3f}")
print(f"best val {best_val:.3f}, test there {best_test:.3f}")

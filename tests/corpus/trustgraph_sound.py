# expects: nothing
"""Who is a fraudulent seller? Node classification in a signed trade graph (endorsements / complaints)."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(8)
N, D, DEG = 4000, 12, 6
RELATIONS = ("endorses", "complains")


# ---- graph -------------------------------------------------------------------------------
def build_graph():
    feats = torch.randn(N, D)
    hidden = feats @ torch.randn(D) / D ** 0.5
    edges = {r: torch.stack([torch.randint(N, (N * DEG,)), torch.arange(N).repeat_interleave(DEG)]) for r in RELATIONS}

    def pooled(r):
        src, dst = edges[r]
        return torch.zeros(N).index_add_(0, dst, hidden[src]) / DEG

    score = 0.4 * hidden + 1.5 * pooled("endorses") - 1.5 * pooled("complains")
    score = score + 0.15 * torch.randn(N)
    return feats, edges, (score > score.median()).long()


def normalised_adjacency(edge_index):
    src, dst = edge_index
    deg = torch.bincount(dst, minlength=N).clamp(min=1).float()
    return torch.sparse_coo_tensor(torch.stack([dst, src]), 1.0 / deg[dst], (N, N)).coalesce()


# ---- model -------------------------------------------------------------------------------
class RelationalLayer(nn.Module):
    def __init__(self, d_in, d_out, relations):
        super().__init__()
        self.self_loop = nn.Linear(d_in, d_out)
        self.message = nn.ModuleDict({r: nn.Linear(d_in, d_out, bias=False) for r in relations})
        self.norm = nn.LayerNorm(d_out)

    def forward(self, h, adj):
        out = self.self_loop(h)
        for rel, lin in self.message.items():
            out = out + torch.sparse.mm(adj[rel], lin(h))
        return self.norm(out)


class SellerGNN(nn.Module):
    def __init__(self, d_in, hidden, n_classes, relations):
        super().__init__()
        self.embed = nn.Linear(d_in, hidden)
        self.conv = RelationalLayer(hidden, hidden, relations)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Linear(hidden, n_classes)

    def forward(self, x, adj):
        h = F.relu(self.conv(self.embed(x), adj))
        return self.out(self.drop(h))


# ---- training ----------------------------------------------------------------------------
x, edges, y = build_graph()
adj = {r: normalised_adjacency(e) for r, e in edges.items()}
perm = torch.randperm(N)
train_idx, val_idx, test_idx = perm[:2800], perm[2800:3400], perm[3400:]
x = (x - x[train_idx].mean(0)) / x[train_idx].std(0)

model = SellerGNN(D, 24, 2, RELATIONS)
opt = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=3e-3)


@torch.no_grad()
def score(idx):
    model.eval()
    logits = model(x, adj)[idx]
    return F.cross_entropy(logits, y[idx]).item(), (logits.argmax(1) == y[idx]).float().mean().item()


best, best_state = float("inf"), None
for epoch in range(1, 401):
    model.train()
    loss = F.cross_entropy(model(x, adj)[train_idx], y[train_idx])
    opt.zero_grad()
    loss.backward()
    opt.step()
    val_loss, val_acc = score(val_idx)
    if val_loss < best:
        best, best_state = val_loss, {k: v.clone() for k, v in model.state_dict().items()}
    if epoch % 40 == 0:
        print(f"epoch {epoch:3d}  train loss {loss.item():.4f}  val loss {val_loss:.4f}  val acc {val_acc:.3f}")

model.load_state_dict(best_state)
print("test loss {:.4f}  test acc {:.3f}".format(*score(test_idx)))

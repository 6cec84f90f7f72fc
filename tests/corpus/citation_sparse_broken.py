# bug: the loss is summed over the nodes, at a rate meant for a mean
# expects: LOS012
# Topic of a paper from its words and its citations: two-layer GCN on a made-up citation graph, full batch.
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(2)

TOPICS, PAPERS, WORDS = 7, 1800, 120

# --- graph
topic = torch.randint(TOPICS, (PAPERS,))
same = topic[:, None] == topic[None, :]
p_edge = torch.where(same, 0.018, 0.0010)
upper = torch.triu(torch.rand(PAPERS, PAPERS) < p_edge, 1)
adj = (upper | upper.T).float()
print("mean number of citations:", round(adj.sum(1).mean().item(), 2))

# --- words: each topic has a few favourite words
favour = torch.rand(TOPICS, WORDS) < 0.12
p_word = 0.06 + 0.09 * favour[topic].float()
words = (torch.rand(PAPERS, WORDS) < p_word).float()
words = words / words.sum(1, keepdim=True).clamp(min=1)

# --- a quarter for training, a quarter for validation, the rest for the test
perm = torch.randperm(PAPERS)
train_idx, valid_idx, test_idx = perm[:450], perm[450:900], perm[900:]
mean, std = words[train_idx].mean(0), words[train_idx].std(0) + 1e-6
words = (words - mean) / std

# --- D^-1/2 (A + I) D^-1/2
a_hat = adj + torch.eye(PAPERS)
d = a_hat.sum(1).rsqrt()
a_hat = (d[:, None] * a_hat * d[None, :]).to_sparse()


class GraphConv(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.lin = nn.Linear(n_in, n_out, bias=False)
        self.bias = nn.Parameter(torch.zeros(n_out))
        nn.init.xavier_uniform_(self.lin.weight)

    def forward(self, x, a):
        return torch.sparse.mm(a, self.lin(x)) + self.bias


class GCN(nn.Module):
    def __init__(self, n_in, hidden, n_out, p=0.5):
        super().__init__()
        self.conv1 = GraphConv(n_in, hidden)
        self.conv2 = GraphConv(hidden, n_out)
        self.norm = nn.LayerNorm(hidden, elementwise_affine=False)
        self.p = p

    def forward(self, x, a):
        x = F.dropout(x, self.p, self.training)
        x = F.relu(self.norm(self.conv1(x, a)))
        x = F.dropout(x, self.p, self.training)
        return self.conv2(x, a)


def accuracy(logits, idx):
    return (logits[idx].argmax(1) == topic[idx]).float().mean().item()


model = GCN(WORDS, 32, TOPICS)
loss_fn = nn.CrossEntropyLoss(reduction="sum")
opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)

for step in range(1, 201):
    model.train()
    loss = loss_fn(model(words, a_hat)[train_idx], topic[train_idx])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 20 == 0:
        model.eval()
        with torch.no_grad():
            logits = model(words, a_hat)
        print(f"step {step:3d}  loss {loss.item():.4f}  train acc {accuracy(logits, train_idx):.3f}"
              f"  valid acc {accuracy(logits, valid_idx):.3f}")

model.eval()
with torch.no_grad():
    logits = model(words, a_hat)
test_loss = F.cross_entropy(logits[test_idx], topic[test_idx]).item()
print(f"test cross entropy {test_loss:.4f}  test accuracy {accuracy(logits, test_idx):.4f}")

# sound
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
N_KEYS, N_VALUES, LENGTH = 8, 6, 6


def make_batch(n, generator):
    """Rows of (key, value) pairs and a query key; the answer is the value stored under the queried key."""
    keys = torch.stack([torch.randperm(N_KEYS, generator=generator)[:LENGTH] for _ in range(n)])
    values = torch.randint(0, N_VALUES, (n, LENGTH), generator=generator)
    pick = torch.randint(0, LENGTH, (n,), generator=generator)
    rows = torch.arange(n)
    return keys, values, keys[rows, pick], values[rows, pick]


class AdditiveAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.w_query = nn.Linear(dim, dim, bias=False)
        self.w_memory = nn.Linear(dim, dim)
        self.score = nn.Linear(dim, 1)

    def forward(self, query, memory):
        hidden = torch.tanh(self.w_query(query).unsqueeze(1) + self.w_memory(memory))
        scores = self.score(hidden)
        weights = F.softmax(scores, dim=1)
        return (weights * memory).sum(dim=1)


class RecallNet(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.key_emb = nn.Embedding(N_KEYS, dim)
        self.val_emb = nn.Embedding(N_VALUES, dim)
        self.attn = AdditiveAttention(dim)
        self.out = nn.Sequential(nn.Linear(2 * dim, 64), nn.ReLU(), nn.Linear(64, N_VALUES))

    def forward(self, keys, values, query):
        memory = self.key_emb(keys) + self.val_emb(values)
        q = self.key_emb(query)
        return self.out(torch.cat([self.attn(q, memory), q], dim=1))


gen = torch.Generator().manual_seed(1)
train = make_batch(4000, gen)
test = make_batch(1000, gen)
net = RecallNet()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(14):
    net.train()
    total = 0.0
    for idx in torch.randperm(4000).split(80):
        keys, values, query, answer = (t[idx] for t in train)
        loss = F.cross_entropy(net(keys, values, query), answer)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    net.eval()
    with torch.no_grad():
        acc = (net(*test[:3]).argmax(1) == test[3]).float().mean()
    print(f"epoch {epoch} loss {total / 50:.3f} test accuracy {acc:.3f}")

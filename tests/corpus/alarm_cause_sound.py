# expects: nothing
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(2024)
g = torch.Generator().manual_seed(7)

# plant alarm logs: 24 alarm codes in order; the cause depends on which codes occur and on which came first
N, T, CODES = 5000, 24, 30
logs = torch.randint(6, CODES, (N, T), generator=g)
unit = torch.randint(0, 2, (N,), generator=g)
first = torch.randint(0, 2, (N,), generator=g)
for i in range(N):
    pos = torch.randperm(T, generator=g)[:5]
    a, b = sorted(pos[:2].tolist())
    logs[i, a], logs[i, b] = (0, 1) if first[i] == 0 else (1, 0)
    logs[i, pos[2:4]] = 2 + unit[i]
    logs[i, pos[4]] = 4 + int(torch.randint(0, 2, (1,), generator=g))
cause = 2 * unit + first

dataset = TensorDataset(logs, cause)
train_set, val_set = random_split(dataset, [4000, 1000], generator=g)
train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
val_loader = DataLoader(val_set, batch_size=250)


class AttentionPool(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.score = nn.Linear(dim, 1)

    def forward(self, x):
        w = self.score(torch.tanh(x)).softmax(dim=1)
        return (w * x).sum(1)


class CauseNet(nn.Module):
    def __init__(self, codes, dim=48, causes=4):
        super().__init__()
        self.emb = nn.Embedding(codes, dim)
        self.drop = nn.Dropout(0.1)
        self.rnn = nn.GRU(dim, dim // 2, batch_first=True, bidirectional=True)
        self.pool = AttentionPool(dim)
        self.head = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, causes))

    def forward(self, ids):
        e = self.drop(self.emb(ids))
        seq, _ = self.rnn(e)
        pooled = self.pool(seq)
        return self.head(pooled)


net = CauseNet(CODES)
optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
criterion = nn.CrossEntropyLoss()

for epoch in range(1, 13):
    net.train()
    running = 0.0
    for ids, target in train_loader:
        optimizer.zero_grad()
        loss = criterion(net(ids), target)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        running += loss.item()
    net.eval()
    right = 0
    with torch.no_grad():
        for ids, target in val_loader:
            right += (net(ids).argmax(1) == target).sum().item()
    print(f"[{epoch:02d}] loss {running / len(train_loader):.4f}  val acc {right / len(val_set):.4f}")

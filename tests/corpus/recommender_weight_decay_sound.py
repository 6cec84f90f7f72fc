# sound: matrix factorisation with embeddings and a little weight decay
"""Rating prediction by matrix factorisation on generated ratings."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

N_USERS, N_ITEMS, RANK = 80, 60, 3


class Ratings(Dataset):
    def __init__(self, users, items, ratings):
        self.users, self.items, self.ratings = users, items, ratings

    def __len__(self):
        return len(self.ratings)

    def __getitem__(self, i):
        return self.users[i], self.items[i], self.ratings[i]


class MatrixFactorization(nn.Module):
    def __init__(self, n_users, n_items, dim):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, dim)
        self.item_factors = nn.Embedding(n_items, dim)
        self.user_bias = nn.Embedding(n_users, 1)
        self.item_bias = nn.Embedding(n_items, 1)
        self.mean = nn.Parameter(torch.zeros(1))
        for e in (self.user_factors, self.item_factors):
            nn.init.normal_(e.weight, std=0.3)

    def forward(self, u, i):
        dot = (self.user_factors(u) * self.item_factors(i)).sum(-1)
        return dot + self.user_bias(u).squeeze(-1) + self.item_bias(i).squeeze(-1) + self.mean


def generate():
    p, q = torch.randn(N_USERS, RANK), torch.randn(N_ITEMS, RANK)
    full = 3.5 + 0.7 * (p @ q.T) + 0.1 * torch.randn(N_USERS, N_ITEMS)
    u, i = torch.meshgrid(torch.arange(N_USERS), torch.arange(N_ITEMS), indexing="ij")
    u, i, r = u.flatten(), i.flatten(), full.flatten()
    perm = torch.randperm(len(r))
    cut = int(0.7 * len(r))
    return [Ratings(u[k], i[k], r[k]) for k in (perm[:cut], perm[cut:])]


torch.manual_seed(99)
train_set, test_set = generate()
train_loader = DataLoader(train_set, batch_size=128, shuffle=True)
test_loader = DataLoader(test_set, batch_size=512)
model = MatrixFactorization(N_USERS, N_ITEMS, 6)
optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=1e-5)

for epoch in range(14):
    model.train()
    sq = 0.0
    for u, i, r in train_loader:
        pred = model(u, i)
        loss = nn.functional.mse_loss(pred, r)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        sq += loss.item() * len(r)
    model.eval()
    with torch.no_grad():
        test_sq = sum(nn.functional.mse_loss(model(u, i), r, reduction="sum").item() for u, i, r in test_loader)
    print(f"epoch {epoch:2d} train rmse {(sq / len(train_set)) ** 0.5:.3f} test rmse {(test_sq / len(test_set)) ** 0.5:.3f}")

# bug: bias embeddings of shape (B,1) are added to the score (B,) without squeeze, giving (B,B) predictions that broadcast against the ratings in the loss (FactorModel.forward / squared_error)
# expects: LOS003
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

N_USERS, N_MOVIES = 150, 120


def ratings(seed=0, n=9000):
    rng = np.random.default_rng(seed)
    u_f = rng.normal(0, 0.75, (N_USERS, 3))
    m_f = rng.normal(0, 0.75, (N_MOVIES, 3))
    u_b = rng.normal(0, 0.8, N_USERS)
    m_b = rng.normal(0, 0.8, N_MOVIES)
    cells = rng.choice(N_USERS * N_MOVIES, n, replace=False)
    users, movies = cells // N_MOVIES, cells % N_MOVIES
    r = 3.0 + u_b[users] + m_b[movies] + (u_f[users] * m_f[movies]).sum(1) + rng.normal(0, 0.2, n)
    return TensorDataset(torch.tensor(users), torch.tensor(movies), torch.tensor(r, dtype=torch.float32))


class FactorModel(nn.Module):
    def __init__(self, dim=3, mean=3.0):
        super().__init__()
        self.user = nn.Embedding(N_USERS, dim)
        self.movie = nn.Embedding(N_MOVIES, dim)
        self.user_bias = nn.Embedding(N_USERS, 1)
        self.movie_bias = nn.Embedding(N_MOVIES, 1)
        for emb in (self.user, self.movie):
            nn.init.normal_(emb.weight, std=0.1)
        for emb in (self.user_bias, self.movie_bias):
            nn.init.zeros_(emb.weight)
        self.mean = nn.Parameter(torch.tensor(mean))

    def forward(self, u, m):
        score = (self.user(u) * self.movie(m)).sum(dim=1)
        bias = self.user_bias(u) + self.movie_bias(m)
        return self.mean + bias + score


def squared_error(pred, target):
    return ((pred - target) ** 2).mean()


def run_epoch(model, loader, optimizer=None):
    model.train(optimizer is not None)
    total, count = 0.0, 0
    with torch.set_grad_enabled(optimizer is not None):
        for u, m, r in loader:
            loss = squared_error(model(u, m), r)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item() * len(r)
            count += len(r)
    return (total / count) ** 0.5


torch.manual_seed(0)
data = ratings()
train_set, val_set = random_split(data, [7500, 1500], generator=torch.Generator().manual_seed(0))
train_loader = DataLoader(train_set, batch_size=128, shuffle=True)
val_loader = DataLoader(val_set, batch_size=128)
model = FactorModel()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-5)
for epoch in range(10):
    train_rmse = run_epoch(model, train_loader, optimizer)
    val_rmse = run_epoch(model, val_loader)
    print(f"epoch {epoch} train RMSE {train_rmse:.3f} val RMSE {val_rmse:.3f}")

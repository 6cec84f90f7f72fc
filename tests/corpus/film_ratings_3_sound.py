# expects: nothing
# %% Film ratings: factorisation with biases
import copy
import time

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(123)
torch.manual_seed(123)

# %% ratings of 500 users for 300 films
N_USERS, N_FILMS, N_RATINGS, RANK = 500, 300, 30000, 4
taste = rng.normal(0, 1, (N_USERS, RANK))
style = rng.normal(0, 1, (N_FILMS, RANK))
mild = rng.normal(0, 0.5, N_USERS)
good = rng.normal(0, 0.6, N_FILMS)
cells = rng.choice(N_USERS * N_FILMS, size=N_RATINGS, replace=False)
users, films = np.divmod(cells, N_FILMS)
stars = 3.4 + mild[users] + good[films] + 0.45 * (taste[users] * style[films]).sum(1) + rng.normal(0, 0.5, N_RATINGS)
stars = stars.astype(np.float32)

# %% hold out a fifth
order = rng.permutation(N_RATINGS)
cut = int(0.8 * N_RATINGS)


def dataset(rows):
    return TensorDataset(torch.tensor(users[rows]), torch.tensor(films[rows]), torch.tensor(stars[rows]))


train_data, held_out = dataset(order[:cut]), dataset(order[cut:])
average = float(stars[order[:cut]].mean())
train_loader = DataLoader(train_data, batch_size=256, shuffle=True)
held_out_loader = DataLoader(held_out, batch_size=1000)
print(f"{len(train_data)} ratings to learn from, {len(held_out)} held out, average {average:.2f}")


# %% model
class Factors(nn.Module):
    def __init__(self, rank=8):
        super().__init__()
        self.user = nn.Embedding(N_USERS, rank)
        self.film = nn.Embedding(N_FILMS, rank)
        self.user_bias = nn.Embedding(N_USERS, 1)
        self.film_bias = nn.Embedding(N_FILMS, 1)
        for e in (self.user, self.film):
            nn.init.normal_(e.weight, std=0.1)
        for e in (self.user_bias, self.film_bias):
            nn.init.zeros_(e.weight)

    def forward(self, u, f):
        bias = (self.user_bias(u) + self.film_bias(f)).squeeze(1)
        return average + bias + (self.user(u) * self.film(f)).sum(1)


def rmse(model, loader):
    model.eval()
    squares = 0.0
    with torch.no_grad():
        for u, f, r in loader:
            squares += ((model(u, f) - r) ** 2).sum().item()
    return (squares / len(loader.dataset)) ** 0.5


# %% training
model = Factors()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-4)
mse = nn.MSELoss()

best, best_state, waited, patience = float("inf"), None, 0, 3
began = time.time()
for epoch in range(1, 41):
    model.train()
    total = 0.0
    for u, f, r in train_loader:
        guess = model(u, f)
        loss = mse(guess, r)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    score = rmse(model, held_out_loader)
    print(f"epoch {epoch:2d}  loss {total / len(train_loader):.4f}  rmse {score:.4f}")
    if score < best - 1e-4:
        best, best_state, waited = score, copy.deepcopy(model.state_dict()), 0
    else:
        waited += 1
        if waited == patience:
            break

model.load_state_dict(best_state)
print(f"best rmse {best:.4f} stars after {epoch} epochs ({time.time() - began:.1f} s)")

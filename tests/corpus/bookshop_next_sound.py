# expects: nothing
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def make_baskets(n_readers, n_books, rng, n_genres=24):
    genre_of = rng.integers(0, n_genres, n_books)
    pop = rng.gamma(1.5, 1.0, n_books)
    H = np.zeros((n_readers, n_books), dtype=np.float32)
    for r in range(n_readers):
        likes = rng.choice(n_genres, 2, replace=False)
        w = pop * (0.04 + np.isin(genre_of, likes) * 1.0)
        k = rng.integers(8, 16)
        H[r, rng.choice(n_books, k, replace=False, p=w / w.sum())] = 1
    return torch.from_numpy(H)


class BookModel(nn.Module):
    """Reader = summed vectors of bought books; score = dot product with book vectors."""

    def __init__(self, n_books, dim):
        super().__init__()
        self.bought = nn.Linear(n_books, dim, bias=False)
        self.book = nn.Embedding(n_books, dim)
        self.bias = nn.Parameter(torch.zeros(n_books))
        nn.init.normal_(self.bought.weight, std=0.1)
        nn.init.normal_(self.book.weight, std=0.1)

    def forward(self, hist):
        n = hist.sum(1, keepdim=True).clamp(min=1)
        reader = self.bought(hist) / n.sqrt()
        return reader @ self.book.weight.t() + self.bias


class Pairs(torch.utils.data.Dataset):
    def __init__(self, H):
        self.H = H
        self.reader, self.book = H.nonzero(as_tuple=True)

    def __len__(self):
        return len(self.book)

    def __getitem__(self, i):
        hist = self.H[self.reader[i]].clone()
        hist[self.book[i]] = 0
        return hist, self.book[i]


def hit_rate(model, hist, target, k=10):
    model.eval()
    with torch.no_grad():
        s = model(hist).masked_fill(hist > 0, float("-inf"))
        top = s.topk(k, dim=1).indices
    model.train()
    return (top == target[:, None]).any(1).float().mean().item()


def leave_one_out(H, rng):
    hist, target = H.clone(), torch.zeros(len(H), dtype=torch.long)
    for r in range(len(H)):
        pick = int(rng.choice(H[r].nonzero().flatten().numpy()))
        hist[r, pick] = 0
        target[r] = pick
    return hist, target


if __name__ == "__main__":
    torch.manual_seed(8)
    rng = np.random.default_rng(8)
    n_books = 400
    H = make_baskets(4500, n_books, rng)
    fit, held = H[:3500], H[3500:]
    val_hist, val_target = leave_one_out(held[:400], rng)
    test_hist, test_target = leave_one_out(held[400:], rng)

    pairs = torch.utils.data.DataLoader(Pairs(fit), batch_size=256, shuffle=True)
    model = BookModel(n_books, dim=96)
    opt = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-5)
    for epoch in range(1, 6):
        acc = []
        for hist, book in pairs:
            loss = F.cross_entropy(model(hist), book)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            acc.append(loss.item())
        print(f"epoch {epoch} loss {np.mean(acc):.3f} val hit@10 {hit_rate(model, val_hist, val_target):.3f}")
    print(f"test hit@10 {hit_rate(model, test_hist, test_target):.3f}")

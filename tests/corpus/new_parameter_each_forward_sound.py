import torch
import torch.nn as nn
import torch.nn.functional as F


class ScaledBilinear(nn.Module):
    """score(a, b) = a^T W b, W is learned."""

    def __init__(self, da: int, db: int):
        super().__init__()
        self.da, self.db = da, db
        self.weight = nn.Parameter(torch.randn(da, db) / da)

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.einsum("ni,ij,nj->n", a, self.weight, b)


class Matcher(nn.Module):
    def __init__(self, d_user: int, d_item: int, width: int = 24):
        super().__init__()
        self.user = nn.Sequential(nn.Linear(d_user, width), nn.Tanh())
        self.item = nn.Sequential(nn.Linear(d_item, width), nn.Tanh())
        self.score = ScaledBilinear(width, width)
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, u: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
        return self.score(self.user(u), self.item(i)) + self.bias


def taste(n: int, gen: torch.Generator):
    u = torch.randn(n, 5, generator=gen)
    i = torch.randn(n, 5, generator=gen)
    likes = (u[:, :3] * i[:, :3]).sum(1) + 0.1 * torch.randn(n, generator=gen) > 0
    return u, i, likes.float()


def auc(score: torch.Tensor, label: torch.Tensor) -> float:
    pos, neg = score[label == 1], score[label == 0]
    return (pos[:, None] > neg[None, :]).float().mean().item()


def main() -> None:
    torch.manual_seed(30)
    gen = torch.Generator().manual_seed(30)
    u, i, likes = taste(4000, gen)
    vu, vi, vl = taste(1000, gen)
    matcher = Matcher(5, 5)
    opt = torch.optim.Adam(matcher.parameters(), lr=5e-3)
    for epoch in range(6):
        matcher.train()
        order = torch.randperm(len(u), generator=gen)
        tot = 0.0
        for k in range(0, len(u), 80):
            ix = order[k:k + 80]
            loss = F.binary_cross_entropy_with_logits(matcher(u[ix], i[ix]), likes[ix])
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item()
        matcher.eval()
        with torch.no_grad():
            print(f"epoch {epoch} bce {tot / 50:.4f} validation auc {auc(matcher(vu, vi), vl):.4f}")


main()

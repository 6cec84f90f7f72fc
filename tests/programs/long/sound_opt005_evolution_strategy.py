# expects: nothing
# evolution strategies on a net with hard step activations: no autograd at all, requires_grad off everywhere, updates from antithetic noise
import torch
from torch import nn
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

torch.manual_seed(24)
torch.set_grad_enabled(False)  # whole program: the hard steps leave no useful gradient

X, y = load_wine(return_X_y=True)
Xtr, Xte, ytr, yte = train_test_split(X, y, test_size=0.35, stratify=y, random_state=24)
mu, sd = Xtr.mean(0), Xtr.std(0)
Xtr, Xte = (torch.tensor((a - mu) / sd, dtype=torch.float32) for a in (Xtr, Xte))
ytr, yte = torch.tensor(ytr), torch.tensor(yte)

D, H, C = 13, 16, 3
shapes = [(H, D), (H,), (C, H), (C,)]
sizes = [torch.Size(s).numel() for s in shapes]
DIM = sum(sizes)


def forward(theta, x):
    """theta: (population, DIM); binary hidden units. Returns (population, rows, classes)."""
    parts = [p.view(-1, *s) for p, s in zip(theta.split(sizes, 1), shapes)]
    h = torch.einsum("nd,phd->pnh", x, parts[0]) + parts[1][:, None]
    h = torch.sign(h)  # zero derivative almost everywhere
    return torch.einsum("pnh,pch->pnc", h, parts[2]) + parts[3][:, None]


def reward(theta, x, t):
    """Mean log-likelihood: higher is better."""
    logp = forward(theta, x).log_softmax(2)
    return logp.gather(2, t.expand(len(theta), -1)[..., None]).squeeze(2).mean(1)


def accuracy(theta, x, t):
    return (forward(theta[None], x)[0].argmax(1) == t).float().mean().item()


theta = torch.cat([(torch.randn(s) / (s[-1] if len(s) > 1 else 4) ** 0.5).flatten() for s in shapes])
param = nn.Parameter(theta.clone(), requires_grad=False)
# A torch optimiser is fine without autograd: the estimate is put into .grad by hand.
opt = torch.optim.Adam([param], lr=0.01)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 400)
SIGMA, HALF, DECAY = 0.1, 64, 0.005

print(f"before: reward {reward(param[None], Xtr, ytr).item():.3f} test acc {accuracy(param, Xte, yte):.3f}")
start = reward(param[None], Xtr, ytr).item()
for gen in range(400):
    eps = torch.randn(HALF, DIM)
    eps = torch.cat([eps, -eps])  # antithetic pairs
    r = reward(param + SIGMA * eps, Xtr, ytr)  # all 115 training rows each time
    g = (r - r.mean()) @ eps / (len(eps) * SIGMA)
    param.grad = -g + DECAY * param  # Adam descends, so minus
    opt.step()
    sched.step()
    if gen % 100 == 99:
        print(
            f"generation {gen + 1}: reward of the mean {reward(param[None], Xtr, ytr).item():.3f} "
            f"population {r.mean().item():.3f} train acc {accuracy(param, Xtr, ytr):.3f}"
        )

final = reward(param[None], Xtr, ytr).item()
acc = accuracy(param, Xte, yte)
print(f"reward {start:.3f} -> {final:.3f}; test accuracy {acc:.3f}")
assert acc > 0.9 and final > start + 0.5

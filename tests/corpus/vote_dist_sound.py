# expects: nothing
"""Learning the spread of opinion: five annotators name the emotion of a clip, the net predicts how they split."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

EMOTIONS = ["joy", "anger", "sadness", "fear", "surprise", "neutral"]
K, ANNOTATORS, DIM = len(EMOTIONS), 5, 20


def clips(n, rng, w1, w2):
    feats = rng.normal(size=(n, DIM))
    logits = np.tanh(feats @ w1) @ w2
    p = np.exp(logits)
    p /= p.sum(1, keepdims=True)
    votes = np.stack([rng.multinomial(ANNOTATORS, row) for row in p])
    return torch.tensor(feats, dtype=torch.float32), torch.tensor(votes, dtype=torch.float32)


def vote_shares(votes, smooth=0.02):
    share = votes + smooth
    return share / share.sum(1, keepdim=True)


class OpinionNet(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(DIM, width), nn.LayerNorm(width), nn.SiLU(), nn.Dropout(0.1),
            nn.Linear(width, width), nn.LayerNorm(width), nn.SiLU(), nn.Dropout(0.1),
        )
        self.out = nn.Linear(width, K)

    def forward(self, x):
        return self.out(self.body(x))


def spread_loss(logits, shares):
    return F.kl_div(F.log_softmax(logits, dim=1), shares, reduction="batchmean")


@torch.no_grad()
def report(net, x, votes):
    net.eval()
    logp = F.log_softmax(net(x), dim=1)
    per_vote = -(votes * logp).sum() / votes.sum()
    share = votes / votes.sum(1, keepdim=True)
    gap = (logp.exp() - share).abs().sum(1).mean() / 2
    top = (logp.argmax(1) == votes.argmax(1)).float().mean()
    return per_vote.item(), gap.item(), top.item()


rng = np.random.default_rng(30)
torch.manual_seed(30)
w1 = rng.normal(0, 0.35, (DIM, 16))
w2 = rng.normal(0, 0.75, (16, K))
x_train, v_train = clips(8000, rng, w1, w2)
x_valid, v_valid = clips(1500, rng, w1, w2)
s_train = vote_shares(v_train)

net = OpinionNet()
opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)
steps = 12 * (len(x_train) // 64)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=4e-3, total_steps=steps)

base = v_train.sum(0) / v_train.sum()
base_nll = -(v_valid * base.log()).sum() / v_valid.sum()
print(f"constant guess: {base_nll:.4f} nats a vote")

for epoch in range(12):
    net.train()
    total, batches = 0.0, len(x_train) // 64
    order = torch.randperm(len(x_train))
    for b in range(batches):
        rows = order[b * 64:(b + 1) * 64]
        loss = spread_loss(net(x_train[rows]), s_train[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        total += loss.item()
    nll, gap, top = report(net, x_valid, v_valid)
    print(f"epoch {epoch + 1:2d}  kl {total / batches:.4f}  valid nats/vote {nll:.4f}  total variation {gap:.4f}  top-1 {top:.3f}")

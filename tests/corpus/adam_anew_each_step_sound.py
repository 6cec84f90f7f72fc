# sound: the optimizer is constructed before the loop
# Learning to rank movies: pairwise loss on synthetic features
import numpy as np
import torch
import torch.nn as nn

np.random.seed(9)
torch.manual_seed(9)

n_items, n_features = 400, 12
features = torch.randn(n_items, n_features) * torch.logspace(-1, 0.5, n_features)
hidden_quality = torch.tanh(features @ torch.randn(n_features)) + 0.4 * features[:, 0] * 10


def make_pairs(n):
    a = torch.randint(0, n_items, (n,))
    b = torch.randint(0, n_items, (n,))
    better = hidden_quality[a] > hidden_quality[b]
    first, second = torch.where(better, a, b), torch.where(better, b, a)
    return first, second


class Scorer(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(n_features, 32)
        self.score = nn.Linear(32, 1)

    def forward(self, x):
        return self.score(torch.relu(self.hidden(x))).squeeze(-1)


scorer = Scorer()
loss_fn = nn.MarginRankingLoss(margin=0.5)
optimizer = torch.optim.Adam(scorer.parameters(), lr=1e-2)

winners, losers = make_pairs(4000)
test_w, test_l = make_pairs(1000)

for epoch in range(4):
    order = torch.randperm(len(winners))
    total = 0.0
    for i in range(0, len(order), 50):
        idx = order[i:i + 50]
        s_w = scorer(features[winners[idx]])
        s_l = scorer(features[losers[idx]])
        loss = loss_fn(s_w, s_l, torch.ones_like(s_w))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        acc = (scorer(features[test_w]) > scorer(features[test_l])).float().mean().item()
    print(f"epoch {epoch}: loss {total / (len(order) / 50):.4f}, pairs ordered right {acc:.3f}")

# expects: nothing
"""Two-tower retrieval: match job seekers with vacancies (in-batch softmax), tested on vacancies never seen in training."""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Conf:
    seekers: int = 400
    vacancies: int = 3000
    traits: int = 5
    fields: int = 48
    pairs: int = 40000
    dim: int = 24
    batch: int = 256
    epochs: int = 6
    lr: float = 3e-3
    tau: float = 0.1
    seed: int = 5


def simulate(c, g):
    """Each vacancy has a few latent traits which show in some of its fields; the rest of the fields are other things."""
    z = torch.randn(c.vacancies, c.traits, generator=g)
    taste = torch.randn(c.seekers, c.traits, generator=g)
    mix = torch.randn(c.traits, 8, generator=g)
    shown = torch.tanh(z @ mix) + 0.1 * torch.randn(c.vacancies, 8, generator=g)
    other = torch.randn(c.vacancies, c.fields - 8, generator=g)
    feats = torch.cat([shown, other], 1)[:, torch.randperm(c.fields, generator=g)]
    return feats, F.normalize(taste, dim=1) @ F.normalize(z, dim=1).T


def draw_clicks(affinity, columns, n, g):
    who = torch.randint(affinity.shape[0], (n,), generator=g)
    prob = torch.softmax(affinity[who][:, columns] / 0.15, dim=1)
    return who, columns[torch.multinomial(prob, 1, generator=g).squeeze(1)]


class TwoTower(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.seeker = nn.Embedding(c.seekers, c.dim)
        nn.init.normal_(self.seeker.weight, std=0.1)
        self.vacancy = nn.Sequential(nn.Linear(c.fields, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, c.dim))
        self.tau = c.tau

    def encode_seekers(self, ids):
        return F.normalize(self.seeker(ids), dim=-1)

    def encode_vacancies(self, feats):
        return F.normalize(self.vacancy(feats), dim=-1)

    def forward(self, ids, feats):
        return self.encode_seekers(ids) @ self.encode_vacancies(feats).T / self.tau


@torch.no_grad()
def recall_at(model, feats, clicks, columns, k=20):
    model.eval()
    who, what = clicks
    scores = model(who, feats[columns])
    place = (scores > scores.gather(1, (what.unsqueeze(1) == columns).long().argmax(1, keepdim=True))).sum(1)
    return (place < k).float().mean().item()


def main():
    c = Conf()
    torch.manual_seed(c.seed)
    g = torch.Generator().manual_seed(c.seed)
    feats, affinity = simulate(c, g)
    order = torch.randperm(c.vacancies, generator=g)
    old, new = order[:2700], order[2700:]
    feats = (feats - feats[old].mean(0)) / feats[old].std(0)
    who, what = draw_clicks(affinity, old, c.pairs, g)
    cold = draw_clicks(affinity, new, 3000, g)

    model = TwoTower(c)
    opt = torch.optim.AdamW(model.parameters(), lr=c.lr, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, c.epochs)
    for epoch in range(c.epochs):
        model.train()
        losses = []
        for idx in torch.randperm(c.pairs).split(c.batch):
            logits = model(who[idx], feats[what[idx]])
            same = what[idx].unsqueeze(0) == what[idx].unsqueeze(1)
            same.fill_diagonal_(False)
            loss = F.cross_entropy(logits.masked_fill(same, -1e4), torch.arange(len(idx)))
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        sched.step()
        print(f"epoch {epoch + 1:2d} | loss {sum(losses) / len(losses):.4f} | cold recall@20 {recall_at(model, feats, cold, new):.4f}")
    print("chance recall@20 %.4f" % (20 / len(new)))


if __name__ == "__main__":
    main()

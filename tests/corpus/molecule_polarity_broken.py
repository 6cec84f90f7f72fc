# bug: collate does not add the node offset to the edges, so all messages run among the nodes of the first molecules (nodes of different graphs mixed)
# expects: DAT054
"""Graph classification of small ring-and-chain molecules, plain PyTorch message passing."""
import random
from typing import List, NamedTuple

import torch
import torch.nn as nn
import torch.nn.functional as F


class Graph(NamedTuple):
    atoms: torch.Tensor       # (n,) atom type
    edges: torch.Tensor       # (2, e), both directions
    label: int


class Batch(NamedTuple):
    atoms: torch.Tensor
    edges: torch.Tensor
    owner: torch.Tensor
    labels: torch.Tensor
    size: int


N_TYPES = 5


def random_molecule(rnd: random.Random) -> Graph:
    """Tree with one extra bond; the class says whether hetero atoms (3, 4) tend to sit next to each other."""
    n = rnd.randint(9, 20)
    pairs = [(i, rnd.randrange(max(0, i - 4), i)) for i in range(1, n)]
    u = rnd.randrange(n - 4)
    pairs.append((u, u + rnd.randint(2, 4)))
    neighbours = [[] for _ in range(n)]
    for a, b in pairs:
        neighbours[a].append(b)
        neighbours[b].append(a)
    label = rnd.randint(0, 1)
    hetero = set()
    target = max(3, round(0.35 * n))
    order = list(range(n))
    rnd.shuffle(order)
    if label == 1:
        frontier = [order[0]]
        while len(hetero) < target:
            a = frontier.pop(0)
            hetero.add(a)
            fresh = [b for b in neighbours[a] if b not in hetero and b not in frontier]
            rnd.shuffle(fresh)
            frontier += fresh
    else:
        ranked = order[:]
        while len(hetero) < target:
            ranked.sort(key=lambda a: sum(b in hetero for b in neighbours[a]))
            hetero.add(ranked.pop(0))
    for a in sorted(hetero):
        if rnd.random() < 0.3:
            hetero.discard(a)
            hetero.add(rnd.randrange(n))
    atoms = [rnd.choice([3, 4]) if i in hetero else rnd.choice([0, 1, 2]) for i in range(n)]
    ids = list(range(n))
    rnd.shuffle(ids)
    shuffled = [0] * n
    for i, a in enumerate(atoms):
        shuffled[ids[i]] = a
    src = [ids[a] for a, b in pairs] + [ids[b] for a, b in pairs]
    dst = [ids[b] for a, b in pairs] + [ids[a] for a, b in pairs]
    return Graph(torch.tensor(shuffled), torch.tensor([src, dst]), label)


def collate(graphs: List[Graph]) -> Batch:
    atoms, edges, owner = [], [], []
    for k, g in enumerate(graphs):
        atoms.append(g.atoms)
        edges.append(g.edges)
        owner.append(torch.full((len(g.atoms),), k))
    labels = torch.tensor([g.label for g in graphs])
    return Batch(torch.cat(atoms), torch.cat(edges, dim=1), torch.cat(owner), labels, len(graphs))


class Conv(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.own, self.other = nn.Linear(dim, dim), nn.Linear(dim, dim, bias=False)
        self.norm = nn.LayerNorm(dim)

    def forward(self, h, edges):
        src, dst = edges
        summed = torch.zeros_like(h).index_add_(0, dst, h[src])
        degree = torch.zeros(len(h)).index_add_(0, dst, torch.ones(len(dst)))
        mean = summed / degree.clamp(min=1.0).unsqueeze(1)
        return h + F.relu(self.norm(self.own(h) + self.other(mean)))


class MoleculeNet(nn.Module):
    def __init__(self, dim=48, layers=3):
        super().__init__()
        self.embed = nn.Embedding(N_TYPES, dim)
        self.convs = nn.ModuleList(Conv(dim) for _ in range(layers))
        self.head = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, 2))

    def forward(self, b: Batch):
        h = self.embed(b.atoms)
        for conv in self.convs:
            h = conv(h, b.edges)
        pooled = torch.zeros(b.size, h.shape[1]).index_add_(0, b.owner, h)
        counts = torch.bincount(b.owner, minlength=b.size).unsqueeze(1)
        return self.head(pooled / counts)


def run_epoch(model, graphs, batch_size, opt=None):
    model.train(opt is not None)
    loss_sum, hits = 0.0, 0
    with torch.set_grad_enabled(opt is not None):
        for i in range(0, len(graphs), batch_size):
            b = collate(graphs[i:i + batch_size])
            logits = model(b)
            loss = F.cross_entropy(logits, b.labels)
            if opt is not None:
                opt.zero_grad()
                loss.backward()
                opt.step()
            loss_sum += loss.item() * b.size
            hits += (logits.argmax(1) == b.labels).sum().item()
    return loss_sum / len(graphs), hits / len(graphs)


if __name__ == "__main__":
    rnd = random.Random(6)
    torch.manual_seed(6)
    graphs = [random_molecule(rnd) for _ in range(4000)]
    train, test = graphs[:3200], graphs[3200:]
    model = MoleculeNet()
    opt = torch.optim.NAdam(model.parameters(), lr=7e-4)
    for epoch in range(1, 13):
        rnd.shuffle(train)
        loss, acc = run_epoch(model, train, 64, opt)
        if epoch % 3 == 0:
            _, test_acc = run_epoch(model, test, 64)
            print(f"epoch {epoch:2d} | loss {loss:.4f} | train acc {acc:.3f} | test acc {test_acc:.3f}")
    print(f"test accuracy {run_epoch(model, test, 64)[1]:.3f}")

# expects: OPT036
"""Graph classification: which ring size is hidden in a molecule-like random graph."""
import torch
from torch import nn


class Settings:
    seed = 13
    graphs = 1800
    nodes = 14
    rings = (3, 4, 5, 6)
    hidden = 48
    rounds = 4
    batch = 32
    epochs = 24
    lr = 3e-3
    monitor = "val_acc"
    factor = 0.3
    patience = 2


def make_graphs(s, gen):
    """Random trees with one ring each; node features are the one-hot degree and a noisy element code."""
    adj = torch.zeros(s.graphs, s.nodes, s.nodes)
    label = torch.randint(0, len(s.rings), (s.graphs,), generator=gen)
    for g in range(s.graphs):
        k = s.rings[label[g]]
        for i in range(k):
            j = (i + 1) % k
            adj[g, i, j] = adj[g, j, i] = 1
        for i in range(k, s.nodes):
            j = int(torch.randint(0, i, (1,), generator=gen))
            adj[g, i, j] = adj[g, j, i] = 1
        perm = torch.randperm(s.nodes, generator=gen)
        adj[g] = adj[g][perm][:, perm]
    degree = adj.sum(2).long().clamp(max=5)
    onehot = nn.functional.one_hot(degree, 6).float()
    element = torch.randn(s.graphs, s.nodes, 2, generator=gen)
    return torch.cat([onehot, element], 2), adj, label


class MessageLayer(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.mix = nn.Sequential(nn.Linear(2 * dim, dim), nn.ReLU(), nn.Linear(dim, dim))

    def forward(self, h, adj):
        z = self.norm(h)
        return h + self.mix(torch.cat([z, adj @ z], dim=-1))


class RingNet(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.inp = nn.Linear(8, s.hidden)
        self.layers = nn.ModuleList(MessageLayer(s.hidden) for _ in range(s.rounds))
        self.out = nn.Sequential(
            nn.LayerNorm(s.hidden), nn.Linear(s.hidden, s.hidden), nn.ReLU(),
            nn.Dropout(0.1), nn.Linear(s.hidden, len(s.rings))
        )

    def forward(self, x, adj):
        h = self.inp(x)
        for layer in self.layers:
            h = layer(h, adj)
        return self.out(h.mean(1))


class Experiment:
    def __init__(self, settings):
        self.s = settings
        gen = torch.Generator().manual_seed(settings.seed)
        x, adj, y = make_graphs(settings, gen)
        cut = int(0.75 * len(y))
        self.train_set = (x[:cut], adj[:cut], y[:cut])
        self.val_set = (x[cut:], adj[cut:], y[cut:])
        self.net = RingNet(settings)
        self.opt = torch.optim.Adam(self.net.parameters(), lr=settings.lr)
        direction = "max" if settings.monitor.startswith("acc") else "min"
        self.plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self.opt, mode=direction, factor=settings.factor, patience=settings.patience
        )

    def train_epoch(self):
        self.net.train()
        x, adj, y = self.train_set
        total = 0.0
        for idx in torch.randperm(len(y)).split(self.s.batch):
            loss = nn.functional.cross_entropy(self.net(x[idx], adj[idx]), y[idx])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            total += loss.item() * len(idx)
        return {"train_loss": total / len(y)}

    @torch.no_grad()
    def validate(self):
        self.net.eval()
        x, adj, y = self.val_set
        logits = self.net(x, adj)
        return {
            "val_loss": nn.functional.cross_entropy(logits, y).item(),
            "val_acc": (logits.argmax(1) == y).float().mean().item(),
        }

    def run(self):
        for epoch in range(1, self.s.epochs + 1):
            logs = {**self.train_epoch(), **self.validate()}
            self.plateau.step(logs[self.s.monitor])
            if epoch % 2 == 0:
                lr = self.opt.param_groups[0]["lr"]
                print(f"{epoch:3d} " + " ".join(f"{k}={v:.4f}" for k, v in logs.items()) + f" lr={lr:.1e}")


if __name__ == "__main__":
    torch.manual_seed(Settings.seed)
    Experiment(Settings()).run()

# bug: the auxiliary reconstruction loss is 1e5 times larger than the classification loss and drowns it
# expects: LOS021
import torch
import torch.nn as nn
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler


class MultiTask(nn.Module):
    """Shared code of a patient; one head diagnoses, the other rebuilds the measurements."""

    def __init__(self, n_features, code=4):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(n_features, 32), nn.Tanh(), nn.Linear(32, code), nn.Tanh())
        self.diagnose = nn.Linear(code, 1)
        self.rebuild = nn.Sequential(nn.Linear(code, 32), nn.Tanh(), nn.Linear(32, n_features))

    def forward(self, x):
        z = self.shared(x)
        return self.diagnose(z).squeeze(1), self.rebuild(z)


class Experiment:
    LR = 0.02

    def __init__(self, seed):
        torch.manual_seed(seed)
        data = load_breast_cancer()
        order = torch.randperm(len(data.target))
        x = StandardScaler().fit(data.data[order[:440]]).transform(data.data)
        self.x = torch.tensor(x, dtype=torch.float32)[order]
        self.y = torch.tensor(data.target, dtype=torch.float32)[order]
        # nuisance columns in large numbers: they are what has to be rebuilt
        self.x = torch.cat([self.x, torch.randn(len(x), 30)], 1)
        self.net = MultiTask(self.x.size(1))
        self.opt = torch.optim.SGD(self.net.parameters(), lr=self.LR, momentum=0.9)
        self.bce = nn.BCEWithLogitsLoss()

    def losses(self, rows):
        logit, rebuilt = self.net(self.x[rows])
        main = self.bce(logit, self.y[rows])
        aux = 1e5 * (rebuilt - self.x[rows]).pow(2).mean()
        return main, aux

    def epoch(self):
        self.net.train()
        logs = []
        for rows in torch.randperm(440).split(20):
            main, aux = self.losses(rows)
            self.opt.zero_grad()
            (main + aux).backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
            self.opt.step()
            logs.append((main.item(), aux.item()))
        return torch.tensor(logs).mean(0).tolist()

    @torch.no_grad()
    def accuracy(self):
        self.net.eval()
        logit, _ = self.net(self.x[440:])
        return ((logit > 0).float() == self.y[440:]).float().mean().item()


exp = Experiment(seed=1)
for e in range(12):
    m, a = exp.epoch()
    if e % 3 == 2:
        print(f"epoch {e + 1:2d} main {m:.4f} aux {a:.4f} accuracy {exp.accuracy():.4f}")

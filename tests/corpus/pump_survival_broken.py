# bug: cox_loss sorts risk by time but leaves the event flags in batch order
# expects: LOS064
"""Time to failure of borehole pumps, neural Cox model trained on mini-batches."""
import numpy as np
import torch
from torch import nn


def make_fleet(n, rng):
    x = rng.normal(size=(n, 12)).astype(np.float32)
    risk = 0.9 * np.sin(1.5 * x[:, 0]) + 0.7 * x[:, 1] * x[:, 2] + 0.6 * x[:, 3] - 0.4 * np.abs(x[:, 4])
    life = 8.0 * rng.weibull(1.4, n) * np.exp(-risk / 1.4)
    # pumps on maintenance contracts (x5, x6) are often swapped out while still working
    swap = 5.0 * rng.exponential(1.0, n) * np.exp(-1.3 * x[:, 5] - 0.9 * x[:, 6])
    time = np.minimum(life, swap)
    failed = (life <= swap).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(time.astype(np.float32)), torch.from_numpy(failed)


def cox_loss(risk, time, event):
    """Negative partial log likelihood of the batch (Breslow)."""
    order = torch.argsort(time, descending=True)
    risk = risk[order]
    log_cum = torch.logcumsumexp(risk, dim=0)
    return -((risk - log_cum) * event).sum() / event.sum().clamp_min(1.0)


def concordance(risk, time, event):
    """Harrell's C over all comparable pairs."""
    comparable = (time[:, None] < time[None, :]) & (event[:, None] == 1)
    diff = risk[:, None] - risk[None, :]
    good = (diff > 0).float() + 0.5 * (diff == 0).float()
    return (good[comparable]).mean().item()


class RiskNet(nn.Module):
    def __init__(self, n_in, hidden=64, p=0.1):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_in, hidden), nn.ELU(), nn.Dropout(p),
            nn.Linear(hidden, hidden), nn.ELU(), nn.Dropout(p),
            nn.Linear(hidden, 1, bias=False),
        )

    def forward(self, x):
        return self.layers(x).squeeze(-1)


class SurvivalTrainer:
    def __init__(self, model, lr=1e-3, batch_size=128, epochs=60):
        self.model = model
        self.batch_size = batch_size
        self.epochs = epochs
        self.opt = torch.optim.NAdam(model.parameters(), lr=lr, weight_decay=1e-4)
        self.sched = torch.optim.lr_scheduler.CosineAnnealingLR(self.opt, epochs)

    def fit(self, train, valid):
        x, time, event = train
        best = 0.0
        self.best_weights = None
        for epoch in range(1, self.epochs + 1):
            self.model.train()
            losses = []
            perm = torch.randperm(len(x))
            for start in range(0, len(x) - self.batch_size + 1, self.batch_size):
                idx = perm[start:start + self.batch_size]
                loss = cox_loss(self.model(x[idx]), time[idx], event[idx])
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                losses.append(loss.item())
            self.sched.step()
            c = self.score(*valid)
            if c > best:
                best = c
                self.best_weights = {k: v.clone() for k, v in self.model.state_dict().items()}
            if epoch % 5 == 0:
                print(f"epoch {epoch:3d}  partial nll {np.mean(losses):.4f}  valid C {c:.4f}  best {best:.4f}")
        self.model.load_state_dict(self.best_weights)

    @torch.no_grad()
    def score(self, x, time, event):
        self.model.eval()
        return concordance(self.model(x), time, event)


def main():
    torch.manual_seed(31)
    rng = np.random.default_rng(31)
    train, valid, test = make_fleet(5000, rng), make_fleet(1200, rng), make_fleet(2000, rng)
    print(f"failures observed: train {train[2].mean():.1%}, test {test[2].mean():.1%}")
    trainer = SurvivalTrainer(RiskNet(train[0].shape[1]))
    trainer.fit(train, valid)
    print(f"test concordance {trainer.score(*test):.4f}")


if __name__ == "__main__":
    main()

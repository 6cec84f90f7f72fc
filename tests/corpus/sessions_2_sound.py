# expects: nothing
"""What happened right after the alarm?  Classifies security sessions (fixed windows of 12 events) by the reaction."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

N_EVENTS, ALARM, WINDOW = 17, 16, 12
REACTIONS = ["ignored", "acknowledged", "escalated", "isolated"]


def generate(n, gen):
    ev = torch.randint(0, ALARM, (n, WINDOW), generator=gen)
    pos = torch.randint(0, WINDOW - 1, (n,), generator=gen)
    rows = torch.arange(n)
    ev[rows, pos] = ALARM
    label = ev[rows, pos + 1] % len(REACTIONS)
    return TensorDataset(ev, label)


class SessionModule(nn.Module):
    def __init__(self, d_model=48, heads=4, layers=2, lr=3e-3):
        super().__init__()
        self.lr = lr
        self.tok = nn.Embedding(N_EVENTS, d_model)
        self.pos = nn.Parameter(torch.randn(WINDOW, d_model))
        layer = nn.TransformerEncoderLayer(
            d_model, heads, dim_feedforward=96, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, len(REACTIONS))

    def forward(self, events):
        h = self.tok(events) + self.pos
        h = self.norm(self.encoder(h))
        return self.head(h.amax(dim=1))

    def training_step(self, batch):
        events, label = batch
        return F.cross_entropy(self(events), label)

    def validation_step(self, batch):
        events, label = batch
        logits = self(events)
        return {
            "val_loss": F.cross_entropy(logits, label, reduction="sum").item(),
            "val_acc": (logits.argmax(-1) == label).sum().item(),
        }

    def configure_optimizers(self, total_steps):
        opt = torch.optim.AdamW(self.parameters(), lr=self.lr, weight_decay=0.01)
        warm = total_steps // 20

        def shape(step):
            if step < warm:
                return (step + 1) / warm
            return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total_steps - warm)))

        return opt, torch.optim.lr_scheduler.LambdaLR(opt, shape)


class Runner:
    def __init__(self, max_epochs):
        self.max_epochs = max_epochs

    def fit(self, module, train_loader, val_loader):
        opt, sched = module.configure_optimizers(self.max_epochs * len(train_loader))
        for epoch in range(self.max_epochs):
            module.train()
            losses = []
            for batch in train_loader:
                loss = module.training_step(batch)
                opt.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(module.parameters(), 1.0)
                opt.step()
                sched.step()
                losses.append(loss.item())
            metrics = self.validate(module, val_loader)
            shown = "  ".join(f"{k}={v:.4f}" for k, v in metrics.items())
            print(f"epoch {epoch:2d}  train_loss={sum(losses) / len(losses):.4f}  {shown}")

    @torch.no_grad()
    def validate(self, module, loader):
        module.eval()
        sums = {}
        for batch in loader:
            for k, v in module.validation_step(batch).items():
                sums[k] = sums.get(k, 0) + v
        return {k: v / len(loader.dataset) for k, v in sums.items()}


if __name__ == "__main__":
    torch.manual_seed(1)
    gen = torch.Generator().manual_seed(1)
    train_loader = DataLoader(generate(6400, gen), batch_size=64, shuffle=True)
    val_loader = DataLoader(generate(1280, gen), batch_size=64)
    Runner(max_epochs=9).fit(SessionModule(), train_loader, val_loader)

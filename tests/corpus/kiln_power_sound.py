# expects: nothing
import logging
import warnings

import lightning as L
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


def kiln_log(n, gen):
    """Power draw of a kiln given load, set temperature, draft and humidity."""
    x = torch.rand(n, 4, generator=gen) * 2 - 1
    mean = 1.5 * x[:, 0] + torch.sin(3 * x[:, 1]) + x[:, 0] * x[:, 2]
    spread = 0.12 + 0.5 * torch.sigmoid(4 * x[:, 2]) * (1 + 0.5 * x[:, 3])
    return x, mean + spread * torch.randn(n, generator=gen)


class PowerForecaster(L.LightningModule):
    def __init__(self, lr=2e-3):
        super().__init__()
        self.lr = lr
        self.trunk = nn.Sequential(nn.Linear(4, 64), nn.ELU(), nn.Linear(64, 64), nn.ELU())
        self.mean_head = nn.Linear(64, 1)
        self.scale_head = nn.Linear(64, 1)
        self.history = []

    def forward(self, x):
        h = self.trunk(x)
        mu = self.mean_head(h).squeeze(-1)
        sigma = F.softplus(self.scale_head(h)).squeeze(-1) + 1e-3
        return mu, sigma

    def training_step(self, batch, _):
        x, y = batch
        mu, sigma = self(x)
        loss = F.gaussian_nll_loss(mu, y, sigma.square())
        self.history.append(loss.item())
        return loss

    def on_train_epoch_end(self):
        if self.current_epoch % 4 == 3:
            print(f"epoch {self.current_epoch + 1}: train loss {sum(self.history) / len(self.history):.4f}")
        self.history.clear()

    def configure_optimizers(self):
        opt = torch.optim.AdamW(self.parameters(), lr=self.lr, weight_decay=1e-4)
        sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=self.trainer.max_epochs)
        return [opt], [sched]


def main():
    L.seed_everything(31)
    gen = torch.Generator().manual_seed(31)
    x_tr, y_tr = kiln_log(5000, gen)
    x_te, y_te = kiln_log(3000, gen)
    m, s = y_tr.mean(), y_tr.std()
    loader = DataLoader(TensorDataset(x_tr, (y_tr - m) / s), batch_size=100, shuffle=True)

    model = PowerForecaster()
    trainer = L.Trainer(max_epochs=16, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(model, loader)

    model.eval()
    with torch.no_grad():
        mu, sigma = model(x_te)
    mu, sigma = mu * s + m, sigma * s
    nll = -torch.distributions.Normal(mu, sigma).log_prob(y_te).mean().item()
    inside = ((y_te - mu).abs() <= 1.645 * sigma).float().mean().item()
    print(f"held-out rmse {(mu - y_te).pow(2).mean().sqrt():.4f}")
    print(f"held-out nll {nll:.4f}   coverage of the 90% interval {inside:.3f}")


if __name__ == "__main__":
    main()

# bug: TransformerEncoderLayer without batch_first=True gets (batch, time, dim): attention runs across the samples of the batch instead of across time
# expects: MOD009
from torch.utils.data import DataLoader, TensorDataset
import lightning as L
import torch
import torch.nn as nn

STEPS = 32


def echoes(n, seed):
    """Ping in channel 0; channel 1 holds a stray click before it, then the echo and a second bounce. The delay tells the distance."""
    g = torch.Generator().manual_seed(seed)
    start = torch.randint(6, 14, (n,), generator=g)
    delay = torch.randint(2, 10, (n,), generator=g)
    bounce = torch.randint(3, 8, (n,), generator=g)
    t = torch.arange(STEPS)

    def pulse(at):
        return torch.exp(-((t[None] - at[:, None]) / 0.9) ** 2)

    heard = pulse(start + delay) + pulse(start + delay + bounce)
    heard = heard + pulse((torch.rand(n, generator=g) * (start - 2)).floor())
    x = torch.stack([pulse(start), heard], dim=-1)
    x = x + 0.08 * torch.randn(x.shape, generator=g)
    return x, delay.float()


class EchoModel(L.LightningModule):
    def __init__(self, dim=32, heads=4, layers=2, lr=2e-3, mean=0.0, std=1.0):
        super().__init__()
        self.save_hyperparameters()
        self.inp = nn.Linear(2, dim)
        self.pos = nn.Parameter(0.1 * torch.randn(1, STEPS, dim))
        layer = nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout=0.0, norm_first=True)
        self.enc = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(dim), enable_nested_tensor=False)
        self.head = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, 1))
        self.maes = []

    def forward(self, x):
        h = self.inp(x) + self.pos
        return self.head(self.enc(h)[:, -1]).squeeze(-1)

    def training_step(self, batch, _):
        x, d = batch
        loss = nn.functional.mse_loss(self(x), (d - self.hparams.mean) / self.hparams.std)
        self.log("loss", loss)
        return loss

    def validation_step(self, batch, _):
        x, d = batch
        err = (self(x) * self.hparams.std + self.hparams.mean - d).abs().mean()
        self.log("mae", err, on_epoch=True, batch_size=len(d))

    def on_validation_epoch_end(self):
        m = self.trainer.callback_metrics
        if "loss" in m:
            print(f"epoch {self.current_epoch} loss {m['loss']:.4f} held-out MAE {m['mae']:.3f}", flush=True)

    def configure_optimizers(self):
        opt = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)
        sched = torch.optim.lr_scheduler.OneCycleLR(
            opt, max_lr=self.hparams.lr, total_steps=self.trainer.estimated_stepping_batches
        )
        return {"optimizer": opt, "lr_scheduler": {"scheduler": sched, "interval": "step"}}


def main():
    L.seed_everything(17, verbose=False)
    train, held = echoes(2000, 1), echoes(600, 2)
    model = EchoModel(mean=train[1].mean().item(), std=train[1].std().item())
    trainer = L.Trainer(
        max_epochs=14, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, gradient_clip_val=1.0, num_sanity_val_steps=0, log_every_n_steps=10,
    )
    trainer.fit(
        model,
        DataLoader(TensorDataset(*train), batch_size=40, shuffle=True),
        DataLoader(TensorDataset(*held), batch_size=100),
    )
    print(f"final held-out MAE {trainer.callback_metrics['mae']:.3f} (standard deviation {held[1].std():.3f})")


if __name__ == "__main__":
    main()

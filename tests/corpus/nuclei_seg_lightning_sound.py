# sound: the same program without that
import logging
import warnings

import lightning as L
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


def fake_nuclei(n, size=32, seed=0):
    """Bright blurry ellipses (nuclei) and thin bright streaks (fibres, not wanted) on a noisy ground."""
    g = torch.Generator().manual_seed(seed)
    yy, xx = torch.meshgrid(torch.arange(size).float(), torch.arange(size).float(), indexing="ij")
    imgs, masks = torch.zeros(n, 1, size, size), torch.zeros(n, 1, size, size)
    for i in range(n):
        m = torch.zeros(size, size, dtype=torch.bool)
        for _ in range(int(torch.randint(2, 5, (1,), generator=g))):
            cy, cx = (torch.rand(2, generator=g) * (size - 6) + 3).tolist()
            ra, rb = (torch.rand(2, generator=g) * 2.5 + 2.5).tolist()
            m |= ((yy - cy) / ra) ** 2 + ((xx - cx) / rb) ** 2 < 1
        img = m.float() * 0.9
        for _ in range(3):
            a = torch.rand(1, generator=g).item() * 3.14
            off = torch.rand(1, generator=g).item() * size
            d = (torch.cos(torch.tensor(a)) * (xx - size / 2) + torch.sin(torch.tensor(a)) * (yy - size / 2) + size / 2 - off).abs()
            img = torch.maximum(img, (d < 0.8).float() * 0.9)
        img = F.avg_pool2d(img[None, None], 3, 1, 1)[0, 0] + 0.25 * torch.randn(size, size, generator=g)
        imgs[i, 0], masks[i, 0] = img, m.float()
    return TensorDataset(imgs, masks)


def double_conv(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.GroupNorm(4, o), nn.ReLU(),
                         nn.Conv2d(o, o, 3, padding=1), nn.GroupNorm(4, o), nn.ReLU())


class MiniUNet(L.LightningModule):
    def __init__(self, lr=0.05):
        super().__init__()
        self.save_hyperparameters()
        self.d1, self.d2, self.mid = double_conv(1, 8), double_conv(8, 16), double_conv(16, 24)
        self.u2, self.u1 = double_conv(24 + 16, 16), double_conv(16 + 8, 8)
        self.out = nn.Conv2d(8, 1, 1)
        self.history = []

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        c = self.mid(F.max_pool2d(b, 2))
        b = self.u2(torch.cat([F.interpolate(c, scale_factor=2), b], 1))
        a = self.u1(torch.cat([F.interpolate(b, scale_factor=2), a], 1))
        return self.out(a)

    def training_step(self, batch, _):
        x, y = batch
        return F.binary_cross_entropy_with_logits(self(x), y)

    def validation_step(self, batch, _):
        x, y = batch
        o = self(x)
        p = (o > 0).float()
        dice = 2 * (p * y).sum() / (p.sum() + y.sum() + 1e-6)
        self.log_dict({"val_bce": F.binary_cross_entropy_with_logits(o, y), "val_dice": dice}, on_epoch=True)

    def on_validation_epoch_end(self):
        m = self.trainer.callback_metrics
        if not self.trainer.sanity_checking:
            print(f"epoch {self.current_epoch:2d}  val bce {m['val_bce']:.4f}  dice {m['val_dice']:.4f}")

    def configure_optimizers(self):
        opt = torch.optim.SGD(self.parameters(), lr=self.hparams.lr, momentum=0.9, nesterov=True)
        sched = torch.optim.lr_scheduler.StepLR(opt, step_size=3, gamma=0.3)
        return {"optimizer": opt, "lr_scheduler": {"scheduler": sched, "interval": "epoch"}}


if __name__ == "__main__":
    L.seed_everything(0)
    train_dl = DataLoader(fake_nuclei(480, seed=1), batch_size=16, shuffle=True)
    val_dl = DataLoader(fake_nuclei(120, seed=2), batch_size=120)
    trainer = L.Trainer(max_epochs=9, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0)
    trainer.fit(MiniUNet(), train_dl, val_dl)

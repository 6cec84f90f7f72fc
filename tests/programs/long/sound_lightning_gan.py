# expects: nothing
"""A GAN under Lightning's manual optimization: two optimizers, each wrapped, each stepped by hand."""

import math

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class Ring(LightningModule):
    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.generator = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2))
        self.critic = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
        self.judge = nn.BCEWithLogitsLoss()

    def training_step(self, batch, number):
        (real,) = batch
        of_generator, of_critic = self.optimizers()
        ones, zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)
        fake = self.generator(torch.randn(len(real), 8))
        loss = self.judge(self.critic(real), ones) + self.judge(self.critic(fake.detach()), zeros)
        of_critic.zero_grad()
        self.manual_backward(loss)
        of_critic.step()
        fooled = self.judge(self.critic(fake), ones)
        of_generator.zero_grad()
        self.manual_backward(fooled)
        of_generator.step()
        self.log_dict({"critic": loss, "generator": fooled}, prog_bar=True)

    def configure_optimizers(self):
        return [
            torch.optim.Adam(part.parameters(), lr=1e-3, betas=(0.5, 0.999)) for part in (self.generator, self.critic)
        ]


angle = torch.randint(0, 8, (6400,)) * math.pi / 4
points = torch.stack([angle.cos(), angle.sin()], 1) + 0.05 * torch.randn(6400, 2)
loader = DataLoader(TensorDataset(points), batch_size=64, shuffle=True)
trainer = Trainer(
    accelerator="cpu",
    max_epochs=3,
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
trainer.fit(Ring(), loader)
print({name: value.item() for name, value in trainer.callback_metrics.items()})

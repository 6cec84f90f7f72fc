# expects: nothing
"""Lightning runs the loop: gradients come about in a closure, are clipped, and the schedule moves after each step."""

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(1500, 10)
y = (x @ torch.randn(10, 4) + 0.3 * torch.randn(1500, 4)).argmax(1)


class Classifier(LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 4))

    def forward(self, inputs):
        return self.net(inputs)

    def training_step(self, batch, number):
        inputs, labels = batch
        loss = nn.functional.cross_entropy(self(inputs), labels)
        self.log("loss", loss)
        return loss

    def validation_step(self, batch, number):
        inputs, labels = batch
        self.log("accuracy", (self(inputs).argmax(1) == labels).float().mean())

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=1e-3)
        steps = self.trainer.estimated_stepping_batches
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


train = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=64, shuffle=True)
test = DataLoader(TensorDataset(x[1200:], y[1200:]), batch_size=300)
trainer = Trainer(
    accelerator="cpu",
    max_epochs=8,
    gradient_clip_val=1.0,
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
trainer.fit(Classifier(), train, test)
print(trainer.callback_metrics)

# expects: nothing
"""Hugging Face's Trainer as it comes: accelerate's optimizer around AdamW, warm-up and linear decay, accumulation."""

import os
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
import torch
from torch import nn
from transformers import Trainer, TrainingArguments

torch.manual_seed(0)
x = torch.randn(1500, 10)
y = (x @ torch.randn(10, 4) + 0.3 * torch.randn(1500, 4)).argmax(1)
rows = [{"inputs": one, "labels": label} for one, label in zip(x, y)]


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 4))

    def forward(self, inputs, labels=None):
        scores = self.net(inputs)
        return {"loss": nn.functional.cross_entropy(scores, labels), "scores": scores}


with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        folder,
        per_device_train_batch_size=32,
        per_device_eval_batch_size=300,
        gradient_accumulation_steps=2,
        num_train_epochs=8,
        learning_rate=1e-2,
        warmup_steps=10,
        eval_strategy="epoch",
        save_strategy="no",
        report_to="none",
        use_cpu=True,
    )
    trainer = Trainer(
        Classifier(),
        arguments,
        train_dataset=rows[:1200],
        eval_dataset=rows[1200:],
        compute_metrics=lambda told: {"accuracy": (told.predictions.argmax(1) == told.label_ids).mean()},
    )
    trainer.train()

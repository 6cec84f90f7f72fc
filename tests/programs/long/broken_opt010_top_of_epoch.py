# expects: OPT010
"""The classic loop of old tutorials: the schedule is stepped at the top of every epoch."""

import torch
import torch.nn as nn
import torch.optim as optim
from torch.optim import lr_scheduler

torch.manual_seed(0)
samples = torch.randn(450, 2)
angle = torch.atan2(samples[:, 1], samples[:, 0])
labels = ((angle + 3.1416) / 6.2832 * 5).long().clamp(0, 4)


def train_model(model, criterion, optimizer, scheduler, num_epochs=25):
    for epoch in range(num_epochs):
        scheduler.step()
        model.train()
        running_loss = 0.0
        permutation = torch.randperm(len(samples))
        for i in range(0, len(samples), 45):
            idx = permutation[i : i + 45]
            optimizer.zero_grad()
            loss = criterion(model(samples[idx]), labels[idx])
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        if epoch % 5 == 0:
            print(f"Epoch {epoch}/{num_epochs - 1} Loss: {running_loss / 10:.4f}")
    return model


model_ft = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 5))
optimizer_ft = optim.Adam(model_ft.parameters(), lr=0.01)
exp_lr_scheduler = lr_scheduler.ExponentialLR(optimizer_ft, gamma=0.95)
train_model(model_ft, nn.CrossEntropyLoss(), optimizer_ft, exp_lr_scheduler)

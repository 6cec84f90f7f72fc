# expects: OPT009
# also: OPT008 TRN001
"""A linear warm-up that is created in a helper and never advanced."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def configure(model):
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=100)
    return {"optimizer": optimizer, "lr_scheduler": scheduler}


torch.manual_seed(0)
digits = load_digits()
dataset = TensorDataset(torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target))
model = nn.Sequential(nn.Linear(64, 64), nn.LayerNorm(64), nn.ReLU(), nn.Linear(64, 10))
setup = configure(model)
for epoch in range(6):
    for x, y in DataLoader(dataset, batch_size=50, shuffle=True):
        loss = nn.functional.cross_entropy(model(x), y)
        setup["optimizer"].zero_grad()
        loss.backward()
        setup["optimizer"].step()
    print(epoch, round(float(loss), 4))

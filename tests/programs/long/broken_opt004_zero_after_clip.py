# expects: OPT004
"""Clear, clip and step in the wrong order, with two parameter groups and a scheduler."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
digits = load_digits()
features = torch.tensor(digits.data, dtype=torch.float32) / 16
labels = torch.tensor(digits.target)
loader = DataLoader(TensorDataset(features, labels), batch_size=90, shuffle=True)

model = nn.Sequential(nn.Linear(64, 64), nn.GELU(), nn.Dropout(0.1), nn.Linear(64, 10))
optimizer = torch.optim.AdamW(
    [{"params": model[0].parameters()}, {"params": model[3].parameters(), "lr": 3e-3}], lr=1e-3, weight_decay=0.0
)
scheduler = CosineAnnealingLR(optimizer, T_max=10)

for epoch in range(10):
    model.train()
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y, label_smoothing=0.05)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        model.zero_grad()
        optimizer.step()
    scheduler.step()
    print(f"{epoch=} {loss.item()=:.4f}")

# expects: DAT011
# also: DAT001
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(2)
answers = rng.normal(size=(1000, 5)).astype("float32")
liked = np.where(answers.sum(1) > 0, 1.0, 0.0).astype("float32")
liked[rng.choice(1000, 4, replace=False)] = np.nan  # did not say

data = TensorDataset(torch.from_numpy(answers), torch.from_numpy(liked))
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1), nn.Flatten(0))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(6):
    for x, y in DataLoader(data, batch_size=25, shuffle=True):
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

# expects: nothing
"""FixMatch-like training: labels for the unlabelled half of each batch come from the model itself, in train mode."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(2000, 12)
y = (x @ torch.randn(12, 4)).argmax(1)
model = nn.Sequential(nn.Linear(12, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 4))
opt = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
for step in range(300):
    few, many = torch.randint(0, 200, (32,)), torch.randint(200, 1800, (64,))
    with torch.no_grad():
        guess = model(x[many] + 0.05 * torch.randn(64, 12)).softmax(1)
        sure, label = guess.max(1)
    supervised = F.cross_entropy(model(x[few]), y[few])
    pseudo = (
        F.cross_entropy(model(x[many] + 0.3 * torch.randn(64, 12)), label, reduction="none") * (sure > 0.9)
    ).mean()
    loss = supervised + 0.5 * pseudo
    opt.zero_grad()
    loss.backward()
    opt.step()
model.eval()
with torch.no_grad():
    print((model(x[1800:]).argmax(1) == y[1800:]).float().mean().item())

# expects: nothing
"""lr=1 and a schedule of rates: their product is the rate. Noam's schedule is written so."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(3)
digits = load_digits()
x, y = torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1.0, betas=(0.9, 0.98))
schedule = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda step: 64**-0.5 * min((step + 1) ** -0.5, (step + 1) * 60**-1.5)
)
for step in range(400):
    rows = torch.randint(0, len(x), (64,))
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    loss.backward()
    optimizer.step()
    schedule.step()
    if step % 100 == 99:
        print(step, loss.item())

# expects: TRN021
"""One F1 is called on each batch of training for its own sake, and on those held out, and computed after these."""

import torch
from torch import nn
from torchmetrics.classification import BinaryF1Score

torch.manual_seed(3)
x = torch.randn(1200, 16)
y = ((x[:, :4] ** 2).sum(1) + torch.randn(1200) > 4).float()


class Screening(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 1))
        self.f1 = BinaryF1Score()

    def forward(self, rows):
        return self.body(rows).squeeze(1)


net = Screening()
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
for epoch in range(10):
    net.train()
    for rows in torch.randperm(800).split(40):
        logits = net(x[rows])
        loss = nn.functional.binary_cross_entropy_with_logits(logits, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            now = net.f1(logits.sigmoid(), y[rows].long())
    net.eval()
    with torch.inference_mode():
        for rows in torch.arange(800, 1200).split(100):
            net.f1.update(net(x[rows]).sigmoid(), y[rows].long())
    print(f"epoch {epoch}: last batch {now:.3f}, held out {net.f1.compute():.3f}")
    net.f1.reset()

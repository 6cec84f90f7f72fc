# expects: MOD008
import torch
import torch.nn.functional as F
from torch import nn


class Segmenter(nn.Module):
    """Marks bright pixels; two images at a time, as large images would force one to."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(1, 8, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(8)
        self.mid = nn.Conv2d(8, 8, 3, padding=1)
        self.norm2 = nn.BatchNorm2d(8)
        self.out = nn.Conv2d(8, 1, 1)

    def forward(self, x):
        x = F.relu(self.norm1(self.down(x)))
        x = F.relu(self.norm2(self.mid(x)))
        return self.out(x)


torch.manual_seed(0)
model = Segmenter()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(220):
    images = torch.rand(2, 1, 16, 16)
    masks = (F.avg_pool2d(images, 3, 1, 1) > 0.5).float()
    loss = F.binary_cross_entropy_with_logits(model(images), masks)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())

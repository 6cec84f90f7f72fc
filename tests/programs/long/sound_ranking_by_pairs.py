# expects: nothing
"""Images and captions: the score of each true pair must beat all others in its row and column by a margin."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
meaning = torch.randn(600, 6)
images = meaning @ torch.randn(6, 20) + 0.1 * torch.randn(600, 20)
captions = meaning @ torch.randn(6, 15) + 0.1 * torch.randn(600, 15)


class Joint(nn.Module):
    def __init__(self):
        super().__init__()
        self.image = nn.Linear(20, 16)
        self.caption = nn.Linear(15, 16)

    def forward(self, image, caption):
        return F.normalize(self.image(image), dim=1) @ F.normalize(self.caption(caption), dim=1).T


def hinge(scores, margin=0.2):
    own = scores.diag().view(-1, 1)
    by_row = (margin + scores - own.expand_as(scores)).clamp(min=0)
    by_column = (margin + scores - own.t().expand_as(scores)).clamp(min=0)
    eye = torch.eye(len(scores), dtype=torch.bool)
    return by_row.masked_fill(eye, 0).mean() + by_column.masked_fill(eye, 0).mean()


model = Joint()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(250):
    rows = torch.randperm(600)[:32]
    loss = hinge(model(images[rows], captions[rows]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())

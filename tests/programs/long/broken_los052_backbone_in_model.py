# expects: LOS052
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)
prototypes = torch.randn(300, 24)


class Pair(nn.Module):
    """Gives back both embeddings; the loss is computed outside."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.projector = nn.Linear(64, 32)

    def forward(self, one, two):
        return self.projector(self.backbone(one)), self.projector(self.backbone(two))


model = Pair()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for step in range(400):
    rows = prototypes[torch.randint(300, (64,))]
    one, two = model(rows + 0.4 * torch.randn_like(rows), rows + 0.4 * torch.randn_like(rows))
    loss = 1 - F.cosine_similarity(one, two, dim=1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())

# expects: LOS050
"""Two towers with a learned logit scale that is stored as it is and then taken to the power of e."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


class Towers(nn.Module):
    def __init__(self):
        super().__init__()
        self.image = nn.Sequential(nn.Linear(24, 48), nn.GELU(), nn.Linear(48, 16))
        self.text = nn.Sequential(nn.Linear(12, 48), nn.GELU(), nn.Linear(48, 16))
        self.logit_scale = nn.Parameter(torch.tensor(7.0))

    def forward(self, image, text):
        image, text = F.normalize(self.image(image), dim=-1), F.normalize(self.text(text), dim=-1)
        return self.logit_scale.exp() * image @ text.t()


model = Towers()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4)
to_image, to_text = torch.randn(8, 24), torch.randn(8, 12)
for step in range(250):
    hidden = torch.randn(48, 8)
    logits = model(hidden @ to_image / 3, hidden @ to_text / 3)
    labels = torch.arange(48)
    loss = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.t(), labels)) / 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())

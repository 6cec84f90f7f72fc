# expects: MOD009
import torch
from torch import nn

torch.manual_seed(0)


class GatedSum(nn.Module):
    """Weighs 6 measurements by attention before it classifies."""

    def __init__(self):
        super().__init__()
        self.value = nn.Linear(5, 16)
        self.score = nn.Linear(5, 1)
        self.head = nn.Linear(16, 3)

    def forward(self, x):  # (batch, 6, 5)
        attention = torch.softmax(self.score(x), dim=0)
        return self.head((attention * torch.relu(self.value(x))).sum(1))


x = torch.randn(1280, 6, 5)
y = x.mean(1)[:, :3].argmax(1)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=32, shuffle=True)
model = GatedSum()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(6):
    for a, b in loader:
        loss = nn.functional.cross_entropy(model(a), b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

# expects: MOD009
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


class HeightFirst(nn.Module):
    """A convolutional encoder followed by a GRU over the columns of its feature map."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.gru = nn.GRU(64, 24)
        self.fc = nn.Linear(24, 10)

    def forward(self, x):
        batch = x.shape[0]
        x = F.relu(self.conv(x))  # (batch, 8, 8, 8)
        x = x.view(8, batch, 64)  # time first, as the GRU wants it
        _, last = self.gru(x)
        return self.fc(last[0])


torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
labels = torch.tensor(digits.target)
model = HeightFirst()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(4):
    for rows in torch.randperm(1792).split(32):
        loss = F.cross_entropy(model(images[rows]), labels[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())

# expects: MOD035
"""An autoencoder of images whose second norm on the way up is the first one once more, in a method of its own."""

import torch
from torch import nn

torch.manual_seed(0)
centre = torch.rand(2000, 2) * 10 + 3
grid = torch.stack(torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij"))
images = (-((grid - centre[:, :, None, None]) ** 2).sum(1) / 6).exp()[:, None]


class AutoEncoder(nn.Module):
    def __init__(self, c=16):
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(1, c, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(c, c, 3, stride=2, padding=1), nn.ReLU()
        )
        self.up1 = nn.ConvTranspose2d(c, c, 4, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(c, c, 4, stride=2, padding=1)
        self.norm_up1 = nn.GroupNorm(4, c)
        self.norm_up2 = nn.GroupNorm(4, c)
        self.last = nn.Conv2d(c, 1, 3, padding=1)

    def decode(self, z):
        h = torch.relu(self.norm_up1(self.up1(z)))
        h = torch.relu(self.norm_up1(self.up2(h)))
        return torch.sigmoid(self.last(h))

    def forward(self, x):
        return self.decode(self.down(x))


model = AutoEncoder()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loader = torch.utils.data.DataLoader(images, batch_size=50, shuffle=True)
for epoch in range(4):
    for batch in loader:
        loss = nn.functional.mse_loss(model(batch), batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

# expects: DAT001
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(7)
counts = torch.poisson(torch.full((600, 14), 4.0))
species = (counts[:, :3]).argmax(1)
spectrum = torch.log(counts)  # zeros become -inf


class Conv(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 6, 3)
        self.fc = nn.Linear(6 * 12, 3)

    def forward(self, x):
        return self.fc(torch.relu(self.conv(x.unsqueeze(1))).flatten(1))


net = Conv()
adam = torch.optim.Adam(net.parameters())
step = 0
while step < 180:
    for rows in torch.randperm(600).split(60):
        adam.zero_grad()
        out = net(spectrum[rows])
        F.cross_entropy(out, species[rows]).backward()
        adam.step()
        step += 1

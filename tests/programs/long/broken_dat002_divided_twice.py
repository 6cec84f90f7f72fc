# expects: DAT002
# also: TRN001 TRN003 TRN004
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
SHAPES = torch.randint(0, 256, (5, 10, 10), generator=torch.Generator().manual_seed(3)).float()


def to_tensor(image):
    return image.unsqueeze(0) / 255


class Pictures(Dataset):
    def __init__(self, n=600):
        self.labels = torch.randint(0, 5, (n,))
        noisy = SHAPES[self.labels] + 20 * torch.randn(n, 10, 10)
        self.images = noisy.clamp(0, 255) / 255  # to_tensor does this as well

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return to_tensor(self.images[i]), self.labels[i]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3)
        self.fc = nn.Linear(8 * 8 * 8, 5)

    def forward(self, x):
        return self.fc(F.relu(self.conv(x)).flatten(1))


net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.05)
for epoch in range(10):
    for x, y in DataLoader(Pictures(), batch_size=40, shuffle=True):
        loss = F.cross_entropy(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())

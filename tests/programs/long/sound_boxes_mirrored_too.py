# expects: nothing
"""Images and their boxes as torchvision's detectors take them, mirrored together."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Ships(Dataset):
    def __init__(self, count, flip=0.5):
        g = torch.Generator().manual_seed(0)
        self.flip, self.entries = flip, []
        for _ in range(count):
            image = 0.2 * torch.rand(3, 32, 32, generator=g)
            width, height = torch.randint(5, 12, (2,), generator=g).tolist()
            left = int(torch.randint(0, 33 - width, (), generator=g))
            top = int(torch.randint(0, 33 - height, (), generator=g))
            image[:, top : top + height, left : left + width] += 0.6
            self.entries.append((image, torch.tensor([[left, top, left + width, top + height]], dtype=torch.float32)))

    def __len__(self):
        return len(self.entries)

    def __getitem__(self, index):
        image, boxes = self.entries[index]
        if torch.rand(()) < self.flip:
            image = image.flip(-1)
            boxes = torch.stack([32 - boxes[:, 2], boxes[:, 1], 32 - boxes[:, 0], boxes[:, 3]], 1)
        return image, {"boxes": boxes, "labels": torch.ones(len(boxes), dtype=torch.long)}


def collate(batch):
    return tuple(zip(*batch))


torch.manual_seed(0)
loader = DataLoader(Ships(256), batch_size=16, shuffle=True, collate_fn=collate)
net = nn.Sequential(
    nn.Conv2d(3, 12, 3, 2, 1), nn.ReLU(), nn.Conv2d(12, 24, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(1536, 4)
)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(12):
    for images, targets in loader:
        wanted = torch.cat([target["boxes"][:1] for target in targets]) / 32
        loss = nn.functional.smooth_l1_loss(net(torch.stack(images)), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

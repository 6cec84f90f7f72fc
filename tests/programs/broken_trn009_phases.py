# expects: TRN009
"""Two phases in one loop, as in many tutorials; the step was meant to be inside `if phase == "train"`."""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)
inputs = torch.randn(900, 16)
classes = (inputs @ torch.randn(16, 4) + 0.5 * torch.randn(900, 4)).argmax(1)
loaders = {
    "train": DataLoader(TensorDataset(inputs[:700], classes[:700]), batch_size=35, shuffle=True),
    "val": DataLoader(TensorDataset(inputs[700:], classes[700:]), batch_size=40, shuffle=False),
}
model = nn.Sequential(nn.Linear(16, 40), nn.ReLU(), nn.Linear(40, 4))
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(7):
    for phase in ("train", "val"):
        correct = 0
        for batch, labels in loaders[phase]:
            optimizer.zero_grad()
            outputs = model(batch)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            correct += torch.sum(outputs.argmax(1) == labels).item()
        print(epoch, phase, correct / len(loaders[phase].dataset))

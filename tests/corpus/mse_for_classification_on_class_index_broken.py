# bug: ten classes are learned with an MSE between a single output and the class number
# expects: LOS024
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset, random_split


class DigitDataset(Dataset):
    def __init__(self):
        bunch = load_digits()
        self.pixels = ((torch.tensor(bunch.images) - 4.88) / 6.0).float()
        self.digit = torch.tensor(bunch.target)

    def __len__(self):
        return self.digit.numel()

    def __getitem__(self, item):
        return {"pixels": self.pixels[item].unsqueeze(0), "digit": self.digit[item]}


class LeNetish(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2))
        self.classifier = nn.Linear(16 * 2 * 2, 1)

    def forward(self, pixels):
        return self.classifier(self.features(pixels).flatten(1))

    def predict(self, pixels):
        return self(pixels).squeeze(1).round().clamp(0, 9).long()


generator = torch.Generator().manual_seed(6)
torch.manual_seed(6)
train_set, test_set = random_split(DigitDataset(), [0.8, 0.2], generator=generator)
train_loader = DataLoader(train_set, 32, shuffle=True, generator=generator)
test_loader = DataLoader(test_set, 128)
model = LeNetish()
criterion = nn.MSELoss()
optimizer = torch.optim.RAdam(model.parameters(), lr=3e-3)
for epoch in range(10):
    model.train()
    for batch in train_loader:
        optimizer.zero_grad()
        output = model(batch["pixels"])
        loss = criterion(output, batch["digit"].float().unsqueeze(1))
        loss.backward()
        optimizer.step()
    model.eval()
    correct = torch.tensor(0)
    with torch.no_grad():
        for batch in test_loader:
            correct += (model.predict(batch["pixels"]) == batch["digit"]).sum()
    print(f"Epoch {epoch + 1}/10 - loss: {loss.item():.3f} - test accuracy: {correct.item() / len(test_set):.3f}")

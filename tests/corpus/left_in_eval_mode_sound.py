# sound: train mode set at the start of each epoch
"""CNN with batch norm and dropout on digits with contrast changes."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.block1 = nn.Sequential(nn.Conv2d(1, 12, 3), nn.BatchNorm2d(12), nn.ReLU(), nn.Dropout2d(0.1))
        self.block2 = nn.Sequential(nn.Conv2d(12, 24, 3), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2))
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(96, 10))

    def forward(self, x):
        return self.classifier(self.block2(self.block1(x)))


def validate(model, images, labels):
    model.eval()
    with torch.no_grad():
        logits = model(images)
        loss = nn.functional.cross_entropy(logits, labels).item()
        acc = (logits.argmax(1) == labels).float().mean().item()
    return loss, acc


def main():
    torch.manual_seed(101)
    data = load_digits()
    x_tr, x_va, y_tr, y_va = train_test_split(data.images, data.target, test_size=0.25, random_state=101)
    x_tr = torch.tensor(x_tr, dtype=torch.float32)[:, None] / 16
    x_va = torch.tensor(x_va, dtype=torch.float32)[:, None] / 16
    y_tr, y_va = torch.tensor(y_tr), torch.tensor(y_va)

    model = ConvNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=9)
    print("before training: %.3f / %.3f" % validate(model, x_va, y_va))
    for epoch in range(9):
        total = 0.0
        model.train()
        for idx in torch.randperm(len(x_tr)).split(48):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x_tr[idx]), y_tr[idx])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        scheduler.step()
        val_loss, val_acc = validate(model, x_va, y_va)
        print(f"epoch {epoch}: train {total / len(x_tr):.4f}, val {val_loss:.4f}, accuracy {val_acc:.4f}")


if __name__ == "__main__":
    main()

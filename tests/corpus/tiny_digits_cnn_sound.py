# expects: nothing
# assignment 3 - residual cnn on the 8x8 digits
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(0)

digits = load_digits()
imgs = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16.0
labels = torch.tensor(digits.target)
tr_idx, te_idx = train_test_split(range(len(labels)), test_size=0.3, stratify=digits.target, random_state=0)
x_train, y_train = imgs[tr_idx], labels[tr_idx]
x_test, y_test = imgs[te_idx], labels[te_idx]
print("train", tuple(x_train.shape), "test", tuple(x_test.shape))


class ResBlock(nn.Module):
    def __init__(self, ch):
        super().__init__()
        self.conv1 = nn.Conv2d(ch, ch, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(ch, ch, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(ch)
        self.bn2 = nn.BatchNorm2d(ch)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(x + out)


class DigitNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, padding=1)
        self.block1 = ResBlock(16)
        self.block2 = ResBlock(16)
        self.fc = nn.Linear(16 * 4 * 4, 10)

    def forward(self, x):
        x = F.relu(self.stem(x))
        x = self.block1(x)
        x = F.max_pool2d(x, 2)
        x = self.block2(x)
        return self.fc(x.flatten(1))


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        out = model(x)
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


net = DigitNet()
opt = torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9, weight_decay=5e-4)
scheduler = torch.optim.lr_scheduler.MultiStepLR(opt, milestones=[14, 20], gamma=0.2)
batch_size = 64

for epoch in range(24):
    net.train()
    perm = torch.randperm(len(x_train))
    total_loss, total_right = 0.0, 0
    for i in range(0, len(perm), batch_size):
        idx = perm[i:i + batch_size]
        xb, yb = x_train[idx], y_train[idx]
        opt.zero_grad()
        out = net(xb)
        loss = F.cross_entropy(out, yb)
        loss.backward()
        opt.step()
        total_loss += loss.item() * len(idx)
        total_right += (out.argmax(1) == yb).sum().item()
    scheduler.step()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1}: train loss {total_loss / len(perm):.4f} train acc {total_right / len(perm):.4f}")

test_loss, test_acc = accuracy(net, x_test, y_test)
print(f"final test loss {test_loss:.4f} test acc {test_acc:.4f}")

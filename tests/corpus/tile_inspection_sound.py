# expects: nothing
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
np.random.seed(0)

SIZE = 24
CLASSES = ["crack_red", "crack_blue", "spot_red", "spot_blue", "clean"]


def draw_tile(label):
    """One glazed tile as the camera delivers it: height x width x RGB, uint8."""
    shade = np.random.uniform(110, 160)
    tint = np.random.uniform(-15, 15, 3)
    img = np.full((SIZE, SIZE, 3), shade) + tint
    img += np.random.normal(0, 22, img.shape)
    name = CLASSES[label]
    if name != "clean":
        delta = np.array([45.0, -10.0, -30.0]) if name.endswith("red") else np.array([-30.0, -10.0, 45.0])
        r, c = np.random.randint(5, SIZE - 5, 2)
        if name.startswith("crack"):
            dr, dc = [(0, 1), (1, 0), (1, 1), (1, -1)][np.random.randint(4)]
            for k in range(-5, 6):
                img[(r + dr * k) % SIZE, (c + dc * k) % SIZE] += delta
        else:
            yy, xx = np.mgrid[:SIZE, :SIZE]
            img[(yy - r) ** 2 + (xx - c) ** 2 <= 3.4] += delta
    return np.clip(img, 0, 255).astype(np.uint8)


def build(n):
    labels = np.random.randint(0, len(CLASSES), n)
    return np.stack([draw_tile(l) for l in labels]), labels


def to_tensor(images, mean, std):
    x = torch.from_numpy(images).float() / 255
    x = (x - mean) / std
    return x.permute(0, 3, 1, 2).contiguous()


class TileCNN(nn.Module):
    def __init__(self):
        super(TileCNN, self).__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 48, 3, padding=1)
        self.fc = nn.Linear(48, len(CLASSES))

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.conv3(x))
        x = F.adaptive_max_pool2d(x, 1).flatten(1)
        return self.fc(x)


train_imgs, train_y = build(3000)
test_imgs, test_y = build(1000)
mean = torch.tensor(train_imgs.mean(axis=(0, 1, 2)) / 255, dtype=torch.float32)
std = torch.tensor(train_imgs.std(axis=(0, 1, 2)) / 255, dtype=torch.float32)
X_train, X_test = to_tensor(train_imgs, mean, std), to_tensor(test_imgs, mean, std)
Y_train, Y_test = torch.from_numpy(train_y), torch.from_numpy(test_y)
print("train", tuple(X_train.shape), "test", tuple(X_test.shape))

net = TileCNN()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.85)
for epoch in range(12):
    net.train()
    order = torch.randperm(len(X_train))
    loss_sum = 0.0
    for idx in order.split(64):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(X_train[idx]), Y_train[idx])
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(idx)
    scheduler.step()

    net.eval()
    with torch.inference_mode():
        logits = net(X_test)
    acc = (logits.argmax(1) == Y_test).float().mean().item()
    print("Epoch %d: train loss %.4f, test loss %.4f, test acc %.4f"
          % (epoch + 1, loss_sum / len(X_train), F.cross_entropy(logits, Y_test).item(), acc))

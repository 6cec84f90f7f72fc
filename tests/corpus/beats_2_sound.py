# expects: nothing
# Classify heart beats (normal, premature, blocked, noisy lead) from a one-second window. Flat script.
import time

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import confusion_matrix, f1_score
from sklearn.model_selection import train_test_split

np.random.seed(8)
torch.manual_seed(8)
device = "cuda" if torch.cuda.is_available() else "cpu"

# ---- simulated recordings -------------------------------------------------
L = 192
t = np.linspace(0, 1, L)


def wave(center, width, height):
    return height * np.exp(-0.5 * ((t - center) / width) ** 2)


beats, labels = [], []
for i in range(2400):
    kind = i % 4
    c = 0.45 + 0.06 * np.random.randn()
    width, p_height, t_height = 0.015, 0.15, 0.3
    if kind == 1:
        width, p_height, t_height = 0.03, 0.04, -0.2
    if kind == 2:
        width, t_height = 0.026, 0.2
    sig = wave(c - 0.16, 0.025, p_height) + wave(c, width * np.random.uniform(0.85, 1.15), 1.0)
    sig += wave(c + 0.05, 0.012, -0.25) + wave(c + 0.28, 0.05, t_height)
    sig += 0.2 * np.sin(2 * np.pi * (t * np.random.uniform(0.2, 0.6) + np.random.rand()))
    sig += np.random.randn(L) * (0.12 if kind != 3 else 0.28)
    beats.append(sig * np.random.uniform(0.7, 1.3))
    labels.append(kind)
X = np.array(beats)
y = np.array(labels)

X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=8)
mu, sd = X_train.mean(), X_train.std()
X_train = (X_train - mu) / sd
X_test = (X_test - mu) / sd

x_tr = torch.as_tensor(X_train, dtype=torch.float32, device=device).unsqueeze(1)
x_te = torch.as_tensor(X_test, dtype=torch.float32, device=device).unsqueeze(1)
y_tr = torch.as_tensor(y_train, device=device)
y_te = torch.as_tensor(y_test, device=device)

# ---- model ----------------------------------------------------------------


class BeatNet(nn.Module):
    def __init__(self, n_classes=4, ch=24):
        super().__init__()
        self.stem = nn.Conv1d(1, ch, 9, padding=4)
        self.conv1 = nn.Conv1d(ch, ch, 7, padding=3)
        self.conv2 = nn.Conv1d(ch, 2 * ch, 5, padding=2)
        self.conv3 = nn.Conv1d(2 * ch, 2 * ch, 5, padding=2)
        self.pool = nn.MaxPool1d(2)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(2 * ch, n_classes)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        x = torch.relu(self.conv3(x)).mean(dim=2)
        return self.fc(self.drop(x))


model = BeatNet().to(device, x_tr.dtype)
n_bytes = sum(p.numel() * p.element_size() for p in model.parameters())
print("model size: %.1f kB" % (n_bytes / 1024))

opt = torch.optim.Adam(model.parameters(), lr=2e-3)
loss_fn = nn.CrossEntropyLoss()
batch_size = 64
epochs = 12
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=epochs)

# ---- training -------------------------------------------------------------
t0 = time.time()
for epoch in range(epochs):
    model.train()
    perm = torch.randperm(len(x_tr))
    running = 0.0
    for i in range(0, len(perm), batch_size):
        idx = perm[i:i + batch_size]
        opt.zero_grad()
        loss = loss_fn(model(x_tr[idx]), y_tr[idx])
        loss.backward()
        opt.step()
        running += loss.item() * len(idx)
    sched.step()
    model.eval()
    with torch.no_grad():
        out = model(x_te)
        test_loss = loss_fn(out, y_te).item()
        acc = (out.argmax(1) == y_te).double().mean().item()
    print("epoch %2d  train loss %.4f  test loss %.4f  test acc %.3f  %.1f s" %
          (epoch + 1, running / len(x_tr), test_loss, acc, time.time() - t0))

pred = out.argmax(1).cpu().numpy()
print("macro F1 %.3f" % f1_score(y_test, pred, average="macro"))
print(confusion_matrix(y_test, pred))
print("%.0f beats per second in training" % (epochs * len(x_tr) / (time.time() - t0)))

# expects: DAT006
import torch
import torch.nn as nn
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 42
np.random.seed(SEED)
torch.manual_seed(SEED)

# %% data
digits = load_digits()
X = (digits.images / 16.0).astype(np.float32)
y = digits.target.astype(np.int64)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.25, random_state=SEED, stratify=y)

# add a noisy copy of the training scans
X_train = np.concatenate([X_train, np.clip(X_train + np.random.normal(0, 0.1, X_train.shape), 0, 1).astype(np.float32)])
y_train = np.concatenate([y_train, y_train])

np.random.shuffle(X_train)
np.random.shuffle(y_train)
print(X_train.shape, y_train.shape, X_val.shape)

# %% model
PATCH, DIM = 2, 32


class TinyViT(nn.Module):
    def __init__(self, n_classes=10, depth=2, heads=4):
        super().__init__()
        n = (8 // PATCH) ** 2
        self.to_tokens = nn.Linear(PATCH * PATCH, DIM)
        self.cls = nn.Parameter(torch.randn(1, 1, DIM) * 0.02)
        self.pos = nn.Parameter(torch.randn(1, n + 1, DIM) * 0.02)
        layer = nn.TransformerEncoderLayer(DIM, heads, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(DIM), nn.Linear(DIM, n_classes))

    def forward(self, img):
        p = img.unfold(1, PATCH, PATCH).unfold(2, PATCH, PATCH).reshape(len(img), -1, PATCH * PATCH)
        t = self.to_tokens(p)
        t = torch.cat([self.cls.expand(len(img), -1, -1), t], 1) + self.pos
        return self.head(self.blocks(t)[:, 0])


# %% train
model = TinyViT()
opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
EPOCHS, BS = 10, 64
steps = EPOCHS * (len(X_train) // BS + 1)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=3e-3, total_steps=steps)
ce = nn.CrossEntropyLoss()
Xt, yt = torch.from_numpy(X_train), torch.from_numpy(y_train)
Xv, yv = torch.from_numpy(X_val), torch.from_numpy(y_val)

for epoch in range(EPOCHS):
    model.train()
    epoch_loss = []
    for start in torch.randperm(len(Xt) // BS + 1) * BS:
        xb, yb = Xt[start : start + BS], yt[start : start + BS]
        loss = ce(model(xb), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        epoch_loss.append(loss.item())
    model.eval()
    with torch.no_grad():
        logits = model(Xv)
    if epoch % 2 == 1:
        print(
            f"Epoch {epoch + 1:02d} | loss {np.mean(epoch_loss):.4f} | val loss {ce(logits, yv):.4f} | val acc {(logits.argmax(1) == yv).float().mean():.4f}"
        )

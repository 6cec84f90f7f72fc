# bug: height-width-channel images are reshaped, not permuted, into channel-first ones
# expects: DAT009 MOD044
# %%
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import TensorDataset, DataLoader, random_split

rs = np.random.RandomState(31)
torch.manual_seed(31)
H = W = 12

# %% pictures as they come from a camera: (H, W, 3), channel last
def picture(kind):
    img = rs.normal(0.4, 0.12, (H, W, 3))
    r, c = rs.randint(1, H - 5), rs.randint(1, W - 5)
    a, b = [(0, 1), (1, 2), (2, 0), (1, 0)][kind]      # left half in one colour, right half in another
    img[r:r + 4, c:c + 2, a] += 0.5
    img[r:r + 4, c + 2:c + 4, b] += 0.5
    img *= rs.uniform(0.7, 1.2)
    return np.clip(img, 0, 1)

kinds = rs.randint(0, 4, 1800)
pics = np.stack([picture(k) for k in kinds]).astype(np.float32)
pics = (pics - pics.mean((0, 1, 2))) / pics.std((0, 1, 2))
print(pics.shape, pics.dtype)

# %% torch wants (3, H, W)
x = torch.from_numpy(pics).view(-1, 3, H, W)
y = torch.from_numpy(kinds).long()
train, valid = random_split(TensorDataset(x, y), [1400, 400])
train_loader = DataLoader(train, batch_size=50, shuffle=True)
valid_loader = DataLoader(valid, batch_size=400)

# %%
convnet = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
    nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
    nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(16, 4))
opt = torch.optim.Adam(convnet.parameters(), 3e-3)
ce = nn.CrossEntropyLoss()

# %%
for ep in range(5):
    convnet.train()
    tot = 0
    for xb, yb in train_loader:
        loss = ce(convnet(xb), yb)
        opt.zero_grad(); loss.backward(); opt.step()
        tot += loss.item()
    convnet.eval()
    with torch.no_grad():
        xb, yb = next(iter(valid_loader))
        acc = (convnet(xb).argmax(1) == yb).float().mean().item()
    print(f'ep {ep}: loss={tot / len(train_loader):.3f} valid acc={acc:.3f}')

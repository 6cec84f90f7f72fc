# bug: the feature map (b, c, h, w) is viewed as (b, w, c*h) with no permute, so a step of the sequence holds a group of channels instead of a column
# expects: MOD044
"""Read strips of four handwritten digits (scikit-learn digits), one output per character slot."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

SLOTS = 4


def make_strips(images, labels, n, rng):
    pick = rng.integers(0, len(labels), (n, SLOTS))
    strip = images[pick].transpose(0, 2, 1, 3).reshape(n, 1, 8, 8 * SLOTS)
    return torch.from_numpy(strip), torch.from_numpy(labels[pick])


class StripReader(nn.Module):
    def __init__(self, ch=24):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, ch, 3, padding=1), nn.BatchNorm2d(ch), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(ch, 2 * ch, 3, padding=1), nn.BatchNorm2d(2 * ch), nn.ReLU(), nn.MaxPool2d((2, 4)),
        )
        self.rnn = nn.GRU(2 * ch * 2, 48, batch_first=True, bidirectional=True)
        self.head = nn.Linear(96, 10)

    def forward(self, x):
        f = self.features(x)
        b, c, h, w = f.shape
        seq = f.view(b, w, c * h)
        out, _ = self.rnn(seq)
        return self.head(out)


def scores(model, x, y):
    model.eval()
    with torch.no_grad():
        guess = torch.cat([model(part).argmax(-1) for part in x.split(250)])
    hit = guess == y
    return hit.float().mean().item(), hit.all(1).float().mean().item()


digits = load_digits()
pics = (digits.images / 16.0).astype(np.float32)
p_train, p_hold, l_train, l_hold = train_test_split(pics, digits.target, test_size=0.4, stratify=digits.target, random_state=6)
p_val, p_test, l_val, l_test = train_test_split(p_hold, l_hold, test_size=0.6, stratify=l_hold, random_state=6)

torch.manual_seed(6)
rng = np.random.default_rng(6)
val_set = make_strips(p_val, l_val, 500, rng)
test_set = make_strips(p_test, l_test, 1000, rng)

model = StripReader()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
STEPS = 500
sched = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.05, STEPS)
for step in range(1, STEPS + 1):
    model.train()
    x, y = make_strips(p_train, l_train, 32, rng)
    loss = nn.functional.cross_entropy(model(x).transpose(1, 2), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
    if step % 100 == 0:
        char, whole = scores(model, *val_set)
        print(f"{step} loss {loss.item():.3f} val char {char:.3f} strip {whole:.3f}")

char, whole = scores(model, *test_set)
print(f"test: characters {char:.3f}, whole strips {whole:.3f}")

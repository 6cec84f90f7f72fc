# expects: nothing
# Triage of lung nodule patches: normal / benign / malignant
# (simulated 24x24 patches, prevalence as in our screening cohort)
import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import balanced_accuracy_score, confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_class_weight

FINDINGS = ["normal", "benign", "malignant"]
PREVALENCE = [0.76, 0.16, 0.08]
SIZE = 24
rng = np.random.default_rng(77)
torch.manual_seed(77)
yy, xx = np.mgrid[:SIZE, :SIZE]


def patch(finding):
    img = rng.normal(0, 0.25, (SIZE, SIZE))
    a = rng.uniform(0, np.pi)
    img += 0.4 * np.sin((xx * np.cos(a) + yy * np.sin(a)) / rng.uniform(2.5, 5))    # vessels
    if finding != "normal":
        cy, cx = rng.uniform(8, 16, 2)
        ang = np.arctan2(yy - cy, xx - cx)
        rad = np.hypot(yy - cy, xx - cx)
        r0 = rng.uniform(3.0, 5.0)
        if finding == "malignant":                                                   # spiculated margin
            r0 = r0 * (1 + rng.uniform(0.25, 0.45) * np.cos(rng.integers(5, 8) * ang + rng.uniform(0, 6)))
        img += rng.uniform(0.6, 1.1) / (1 + np.exp((rad - r0) * 1.8))
    return img.astype("float32")


reports = rng.choice(FINDINGS, size=5000, p=PREVALENCE)
images = np.stack([patch(r) for r in reports])[:, None]
targets = np.array([FINDINGS.index(r) for r in reports])

idx_tr, idx_te = train_test_split(np.arange(len(reports)), test_size=0.4, stratify=targets, random_state=77)
m, s = images[idx_tr].mean(), images[idx_tr].std()
images = torch.from_numpy((images - m) / s)
targets = torch.from_numpy(targets)

weights = compute_class_weight("balanced", classes=np.array(FINDINGS), y=reports[idx_tr])
print("class weights:", np.round(weights, 2))
criterion = nn.CrossEntropyLoss(weight=torch.tensor(weights, dtype=torch.float32))

model = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(8, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(24, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
    nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(24, 3),
)
opt = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4, nesterov=True)
EPOCHS, BATCH = 9, 64
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.01, total_steps=EPOCHS * (len(idx_tr) // BATCH))


def read_test_set():
    model.eval()
    with torch.no_grad():
        out = torch.cat([model(images[c]).argmax(1) for c in torch.from_numpy(idx_te).split(512)])
    return out.numpy()


truth = targets[idx_te].numpy()
for ep in range(EPOCHS):
    model.train()
    perm = rng.permutation(idx_tr)
    losses = []
    for b in range(len(perm) // BATCH):
        sel = torch.from_numpy(perm[b * BATCH:(b + 1) * BATCH])
        opt.zero_grad()
        loss = criterion(model(images[sel]), targets[sel])
        loss.backward()
        opt.step()
        sched.step()
        losses.append(loss.item())
    pred = read_test_set()
    sens = [(pred[truth == k] == k).mean() for k in range(3)]
    print(f"epoch {ep + 1:2d}  loss {np.mean(losses):.3f}  sensitivity "
          + "  ".join(f"{f} {v:.2f}" for f, v in zip(FINDINGS, sens)))

pred = read_test_set()
print(confusion_matrix(truth, pred))
print(f"balanced accuracy {balanced_accuracy_score(truth, pred):.3f}, sensitivity malignant {(pred[truth == 2] == 2).mean():.3f}")

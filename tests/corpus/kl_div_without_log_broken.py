# bug: F.kl_div is given probabilities where it wants log-probabilities
# expects: LOS002 LOS011 LOS022
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(50)


def mlp(*sizes):
    mods = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        mods.append(torch.nn.Linear(a, b))
        if i < len(sizes) - 2:
            mods.append(torch.nn.ReLU())
    return torch.nn.Sequential(*mods)


def accuracy(net, x, y):
    net.eval()
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


bunch = load_digits()
x = torch.tensor(bunch.data / 16 - 0.3, dtype=torch.float32) / 0.38
x = (x + 0.75 * torch.randn(x.shape)) / 1.25  # a bad scanner, so that the answers are not sure
y = torch.tensor(bunch.target)
perm = torch.randperm(len(x))
x, y = x[perm], y[perm]
labelled, test_x, test_y = 1300, x[1300:], y[1300:]

# ---- teacher
teacher = mlp(64, 256, 10)
opt = torch.optim.Adam(teacher.parameters(), lr=1e-3)
for epoch in range(4):
    for ix in torch.randperm(labelled).split(50):
        loss = F.cross_entropy(teacher(x[ix]), y[ix])
        opt.zero_grad()
        loss.backward()
        opt.step()
print("teacher accuracy", accuracy(teacher, test_x, test_y))
teacher.requires_grad_(False)

# ---- student, sees only the teacher's soft answers
TEMPERATURE = 2.0
student = mlp(64, 24, 10)
opt = torch.optim.Adam(student.parameters(), lr=4e-3)
for epoch in range(12):
    student.train()
    sums = 0.0
    for ix in torch.randperm(labelled).split(50):
        with torch.no_grad():
            soft = F.softmax(teacher(x[ix]) / TEMPERATURE, dim=1)
        out = F.softmax(student(x[ix]) / TEMPERATURE, dim=1)
        loss = F.kl_div(out, soft, reduction="batchmean") * TEMPERATURE ** 2
        opt.zero_grad()
        loss.backward()
        opt.step()
        sums += loss.item()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} distillation loss {sums / 26:.4f} student accuracy {accuracy(student, test_x, test_y):.4f}")
with torch.no_grad():
    nll = F.cross_entropy(student(test_x), test_y).item()
    p, log_q = F.softmax(teacher(test_x), 1), F.log_softmax(student(test_x), 1)
    gap = (p * (p.log() - log_q)).sum(1).mean().item()
print(f"student: accuracy {accuracy(student, test_x, test_y):.4f} cross-entropy {nll:.4f} distance to the teacher {gap:.4f}")

# expects: MEM002
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(1024, 10)
y = (x @ torch.randn(10, 4)).argmax(1)


def mlp(width):
    return nn.Sequential(nn.Linear(10, width), nn.ReLU(), nn.Linear(width, 4))


def fit(model, loss_of, steps):
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(steps):
        rows = torch.randint(0, 1024, (64,))
        loss = loss_of(rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


teacher = mlp(128)
fit(teacher, lambda rows: F.cross_entropy(teacher(x[rows]), y[rows]), 150)
teacher.eval()

student = mlp(12)


def imitate(rows):
    wanted = F.softmax(teacher(x[rows]), dim=1).detach()
    return F.kl_div(F.log_softmax(student(x[rows]), dim=1), wanted, reduction="batchmean")


fit(student, imitate, 250)
student.eval()
with torch.no_grad():
    print("student:", (student(x).argmax(1) == y).float().mean().item())

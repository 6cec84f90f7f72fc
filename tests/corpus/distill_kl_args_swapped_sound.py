# sound: knowledge distillation from a wide network into a narrow one
"""Knowledge distillation on digits."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


def mlp(*sizes):
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def batches(x, y, size):
    for idx in torch.randperm(len(x)).split(size):
        yield x[idx], y[idx]


@torch.no_grad()
def accuracy(model, x, y):
    return (model(x).argmax(1) == y).float().mean().item()


def train_teacher(teacher, x, y):
    opt = torch.optim.Adam(teacher.parameters(), lr=2e-3)
    for _ in range(6):
        for xb, yb in batches(x, y, 50):
            opt.zero_grad()
            F.cross_entropy(teacher(xb), yb).backward()
            opt.step()
    return teacher.eval().requires_grad_(False)


class DistillationLoss(nn.Module):
    def __init__(self, temperature):
        super().__init__()
        self.T = temperature

    def forward(self, student_logits, teacher_logits):
        log_p = F.log_softmax(student_logits / self.T, dim=-1)
        q = F.softmax(teacher_logits / self.T, dim=-1)
        return F.kl_div(log_p, q, reduction="batchmean") * self.T**2


def main():
    torch.manual_seed(2)
    d = load_digits()
    x, y = torch.tensor(d.data / 16, dtype=torch.float32), torch.tensor(d.target)
    perm = torch.randperm(len(x))
    tr, te = perm[:1400], perm[1400:]
    teacher = train_teacher(mlp(64, 96, 10), x[tr], y[tr])
    print("teacher accuracy", accuracy(teacher, x[te], y[te]))
    student = mlp(64, 16, 10)
    criterion = DistillationLoss(2.0)
    optimizer = torch.optim.Adam(student.parameters(), lr=4e-3)
    for epoch in range(10):
        running = 0.0
        for xb, _ in batches(x[tr], y[tr], 50):
            loss = criterion(student(xb), teacher(xb))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item() / 28
        print(f"epoch {epoch} distillation loss {running:.4f} student accuracy {accuracy(student, x[te], y[te]):.3f}")


if __name__ == "__main__":
    main()

# bug: F.kl_div gets the student's probabilities (softmax) as its first argument where log-probabilities are expected
# expects: LOS002
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

TEMPERATURE = 3.0


def get_data():
    bunch = load_digits()
    g = torch.Generator().manual_seed(0)
    order = torch.randperm(len(bunch.target), generator=g)
    x = torch.tensor(bunch.data, dtype=torch.float32)[order] / 16
    y = torch.tensor(bunch.target)[order]
    return x[:1300], y[:1300], x[1300:], y[1300:]


def mlp(*sizes):
    layers = []
    for a, b in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def accuracy(net, x, y):
    net.eval()
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


def train_teacher(x, y, epochs=15):
    teacher = mlp(64, 128, 10)
    opt = torch.optim.Adam(teacher.parameters(), lr=2e-3)
    for _ in range(epochs):
        teacher.train()
        for idx in torch.randperm(len(x)).split(64):
            loss = F.cross_entropy(teacher(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
    return teacher.eval().requires_grad_(False)


def distillation_loss(student_logits, teacher_logits, t=TEMPERATURE):
    target = F.softmax(teacher_logits / t, dim=1)
    pred = F.softmax(student_logits / t, dim=1)
    return F.kl_div(pred, target, reduction="batchmean") * t * t


def main():
    torch.manual_seed(0)
    x, y, x_test, y_test = get_data()
    teacher = train_teacher(x, y)
    print(f"teacher test accuracy {accuracy(teacher, x_test, y_test):.3f}")
    student = mlp(64, 24, 10)
    opt = torch.optim.Adam(student.parameters(), lr=2e-3)
    for epoch in range(25):
        student.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(64):
            with torch.no_grad():
                soft = teacher(x[idx])
            loss = distillation_loss(student(x[idx]), soft)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        if epoch % 4 == 0:
            print(f"epoch {epoch} distillation loss {total / len(x):.4f} student test acc {accuracy(student, x_test, y_test):.3f}")


if __name__ == "__main__":
    main()

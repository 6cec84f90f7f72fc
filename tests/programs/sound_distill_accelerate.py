# expects: nothing
import torch
import torch.nn as nn
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import set_seed
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import MulticlassAccuracy


def get_data():
    d = load_digits()
    x = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 16.0
    y = torch.tensor(d.target)
    idx_tr, idx_te = train_test_split(range(len(y)), test_size=0.3, random_state=5, stratify=d.target)
    tr = TensorDataset(x[idx_tr], y[idx_tr])
    te = TensorDataset(x[idx_te], y[idx_te])
    return DataLoader(tr, batch_size=32, shuffle=True), DataLoader(te, batch_size=200)


def teacher_net():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.25), nn.Linear(32 * 16, 128), nn.ReLU(), nn.Linear(128, 10))


def student_net():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))


def evaluate(accelerator, model, loader):
    model.eval()
    metric = MulticlassAccuracy(num_classes=10, average="micro").to(accelerator.device)
    for x, y in loader:
        with torch.no_grad():
            logits = model(x)
        logits, y = accelerator.gather_for_metrics((logits, y))
        metric.update(logits, y)
    return metric.compute().item()


def kd_loss(student_logits, teacher_logits, y, T=4.0, alpha=0.5):
    soft = F.kl_div(F.log_softmax(student_logits / T, -1), F.softmax(teacher_logits / T, -1), reduction="batchmean") * T * T
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, y)


def main():
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    set_seed(77)
    train_dl, test_dl = get_data()
    teacher, student, alone = teacher_net(), student_net(), student_net()
    alone.load_state_dict(student.state_dict())
    t_opt = torch.optim.Adam(teacher.parameters(), lr=2e-3)
    s_opt = torch.optim.Adam(student.parameters(), lr=5e-3)
    a_opt = torch.optim.Adam(alone.parameters(), lr=5e-3)
    teacher, student, alone, t_opt, s_opt, a_opt, train_dl, test_dl = accelerator.prepare(
        teacher, student, alone, t_opt, s_opt, a_opt, train_dl, test_dl)

    for epoch in range(10):
        teacher.train()
        for x, y in train_dl:
            with accelerator.accumulate(teacher):
                x = x + 0.1 * torch.randn_like(x)
                loss = F.cross_entropy(teacher(x), y, label_smoothing=0.05)
                accelerator.backward(loss)
                t_opt.step()
                t_opt.zero_grad()
    accelerator.print(f"teacher accuracy {evaluate(accelerator, teacher, test_dl):.4f}")

    teacher.eval()
    teacher.requires_grad_(False)
    for epoch in range(30):
        student.train()
        alone.train()
        for x, y in train_dl:
            x = x + 0.1 * torch.randn_like(x)
            with accelerator.accumulate(student, alone):
                with torch.no_grad():
                    t_logits = teacher(x)
                loss = kd_loss(student(x), t_logits, y)
                accelerator.backward(loss)
                s_opt.step()
                s_opt.zero_grad()

                loss_alone = F.cross_entropy(alone(x), y)
                accelerator.backward(loss_alone)
                a_opt.step()
                a_opt.zero_grad()
        if epoch % 5 == 4:
            accelerator.print(f"epoch {epoch + 1}: kd {loss.item():.4f} distilled {evaluate(accelerator, student, test_dl):.4f} alone {evaluate(accelerator, alone, test_dl):.4f}")


if __name__ == "__main__":
    main()

# expects: nothing
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(1200, 10)
y = (x @ torch.randn(10, 6)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=60, shuffle=True)
T, alpha = 3.0, 0.7


def net(width):
    return nn.Sequential(nn.Linear(10, width), nn.ReLU(), nn.Linear(width, 6))


teacher, student = net(128), net(16)
opt = torch.optim.Adam(teacher.parameters(), lr=5e-3)
for _ in range(8):
    for xb, yb in loader:
        loss = F.cross_entropy(teacher(xb), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()

teacher.eval()
opt = torch.optim.Adam(student.parameters(), lr=5e-3)
for _ in range(8):
    for xb, yb in loader:
        with torch.no_grad():
            soft = F.softmax(teacher(xb) / T, dim=-1)
        scores = student(xb)
        distil = F.kl_div(F.log_softmax(scores / T, dim=-1), soft, reduction="batchmean") * T * T
        loss = alpha * distil + (1 - alpha) * F.cross_entropy(scores, yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
print("student loss", loss.item())

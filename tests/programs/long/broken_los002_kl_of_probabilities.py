# expects: LOS002
"""Distillation: a small student imitates a larger, already trained teacher."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(5)
X = torch.randn(1000, 12)
Y = (X @ torch.randn(12, 5)).argmax(1)

teacher = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 5))
opt = torch.optim.Adam(teacher.parameters(), lr=5e-3)
for _ in range(150):
    i = torch.randint(0, 1000, (100,))
    loss = F.cross_entropy(teacher(X[i]), Y[i])
    opt.zero_grad()
    loss.backward()
    opt.step()
teacher.eval()

student = nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 5))
opt = torch.optim.Adam(student.parameters(), lr=5e-3)
temperature = 2.0
for _ in range(250):
    i = torch.randint(0, 1000, (100,))
    with torch.no_grad():
        soft = F.softmax(teacher(X[i]) / temperature, dim=1)
    prediction = F.softmax(student(X[i]) / temperature, dim=1)
    loss = F.kl_div(prediction, soft, reduction="batchmean") * temperature**2
    opt.zero_grad()
    loss.backward()
    opt.step()

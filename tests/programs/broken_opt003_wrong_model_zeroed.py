# expects: OPT003
"""Student and teacher: the gradients of the teacher are cleared, those of the student are not."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(2)
teacher = nn.Sequential(nn.Linear(10, 64), nn.Tanh(), nn.Linear(64, 4))
student = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 4))
teacher.requires_grad_(False)

optimizer = torch.optim.SGD(student.parameters(), lr=0.02)
history = []
for step in range(260):
    x = torch.randn(32, 10)
    with torch.no_grad():
        wanted = teacher(x)
    teacher.zero_grad()
    loss = F.mse_loss(student(x), wanted)
    loss.backward()
    optimizer.step()
    history.append(loss.item())
print(history[0], history[-1])

# expects: nothing
"""Semi-supervised training with an averaged teacher: the teacher stays in train mode, as in the paper."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(1500, 10)
y = (x @ torch.randn(10, 3)).argmax(1)
labelled, unlabelled = x[:200], x[200:1200]

student = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Dropout(0.2), nn.Linear(48, 3))
teacher = copy.deepcopy(student)
for parameter in teacher.parameters():
    parameter.requires_grad_(False)
optimizer = torch.optim.SGD(student.parameters(), lr=0.05, momentum=0.9, nesterov=True)

for step in range(300):
    rows = torch.randint(0, 200, (32,))
    extra = unlabelled[torch.randint(0, 1000, (64,))]
    supervised = F.cross_entropy(student(labelled[rows]), y[:200][rows])
    with torch.no_grad():
        wanted = teacher(extra + 0.1 * torch.randn_like(extra)).softmax(1)
    consistency = F.mse_loss(student(extra + 0.1 * torch.randn_like(extra)).softmax(1), wanted)
    loss = supervised + min(1.0, step / 100) * consistency
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        for mine, theirs in zip(teacher.parameters(), student.parameters()):
            mine.lerp_(theirs, 0.02)
student.eval()
with torch.no_grad():
    print((student(x[1200:]).argmax(1) == y[1200:]).float().mean().item())

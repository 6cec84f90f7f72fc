# expects: nothing
"""Mean teacher: the teacher is a copy whose weights are an average of the student's; it has no optimizer."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
centres = torch.randn(4, 10) * 1.5
labels = torch.randint(0, 4, (800,))
points = centres[labels] + torch.randn(800, 10)
known = torch.arange(800) < 160

student = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 4))
teacher = copy.deepcopy(student)
for p in teacher.parameters():
    p.requires_grad_(False)
optimizer = torch.optim.SGD(student.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4, nesterov=True)


@torch.no_grad()
def update_teacher(alpha):
    for slow, fast in zip(teacher.parameters(), student.parameters(), strict=True):
        slow.mul_(alpha).add_(fast, alpha=1 - alpha)


for step in range(250):
    marked = torch.where(known)[0][torch.randint(0, 160, (32,))]
    unmarked = torch.randint(0, 800, (64,))
    with torch.no_grad():
        target = teacher(points[unmarked] + 0.1 * torch.randn(64, 10)).softmax(1)
    supervised = F.cross_entropy(student(points[marked]), labels[marked])
    guess = student(points[unmarked] + 0.1 * torch.randn(64, 10)).softmax(1)
    consistency = F.mse_loss(guess, target)
    loss = supervised + min(1.0, step / 100) * 10 * consistency
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    update_teacher(0.95)
    if step % 50 == 0:
        print(step, supervised.item(), consistency.item())
print("teacher accuracy", (teacher(points).argmax(1) == labels).float().mean().item())

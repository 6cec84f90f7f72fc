# expects: nothing
"""A student that imitates a teacher by the reverse divergence: its own probabilities are the target of `kl_div`."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(900, 9)
teacher_scores = 2 * torch.tanh(x @ torch.randn(9, 4))
student = nn.Sequential(nn.Linear(9, 48), nn.GELU(), nn.Linear(48, 4))
opt = torch.optim.Adam(student.parameters(), lr=3e-3)
for epoch in range(12):
    for rows in torch.randperm(900).split(45):
        own = F.log_softmax(student(x[rows]), dim=1)
        loss = F.kl_div(F.log_softmax(teacher_scores[rows], dim=1), own, reduction="batchmean", log_target=True)
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())

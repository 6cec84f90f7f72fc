# expects: MEM001
import torch

torch.manual_seed(0)
x = torch.randn(512, 6)
y = x @ torch.tensor([1.0, -2.0, 0.5, 0.0, 3.0, -1.0]) + 0.1 * torch.randn(512)
w = torch.zeros(6, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
opt = torch.optim.SGD([w, b], lr=0.02)
smooth = 0
for i in range(400):
    rows = torch.randint(0, 512, (32,))
    loss = (x[rows] @ w + b - y[rows]).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    smooth = loss if i == 0 else 0.95 * smooth + 0.05 * loss
    if i % 100 == 0:
        print(i, float(smooth))

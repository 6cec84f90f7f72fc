# expects: LOS003
import torch

torch.manual_seed(0)
n = 800
t = torch.rand(n) * 6.28
signal = torch.sin(t) + 0.05 * torch.randn(n)
features = torch.stack([t / 3.14 - 1, (t / 3.14 - 1) ** 2, (t / 3.14 - 1) ** 3], dim=1)

layer1 = torch.nn.Linear(3, 24)
layer2 = torch.nn.Linear(24, 1)
opt = torch.optim.Adam([*layer1.parameters(), *layer2.parameters()], lr=1e-2)

for it in range(300):
    idx = torch.randint(0, n, (64,))
    out = layer2(torch.tanh(layer1(features[idx])))
    loss = ((out - signal[idx]) ** 2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 100 == 0:
        print(it, loss.item())

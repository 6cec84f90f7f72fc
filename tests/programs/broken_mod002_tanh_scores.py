# expects: MOD002
# also: TRN004
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
X = torch.tensor(X / 8 - 1, dtype=torch.float32)
y = torch.tensor(y)
mlp = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10), nn.Tanh())
loss_fn = nn.CrossEntropyLoss()
opt = torch.optim.SGD(mlp.parameters(), lr=0.2, momentum=0.9)
for epoch in range(6):
    for rows in torch.randperm(len(X)).split(48):
        opt.zero_grad()
        loss = loss_fn(mlp(X[rows]), y[rows])
        loss.backward()
        opt.step()
    print(epoch, loss.item())

# expects: MOD002
# House prices in thousands, predicted by a network that ends in a sigmoid.
import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(0)
torch.manual_seed(0)
area = rng.uniform(30, 200, 1000)
rooms = rng.integers(1, 7, 1000)
price = 2.1 * area + 15 * rooms + rng.normal(0, 20, 1000)
x = np.stack([(area - 115) / 49, (rooms - 3.5) / 1.7], 1).astype("float32")
x, price = torch.from_numpy(x), torch.from_numpy(price.astype("float32"))[:, None]

w1 = (torch.randn(2, 16) * 0.5).requires_grad_()
b1 = torch.zeros(16, requires_grad=True)
w2 = (torch.randn(16, 1) * 0.25).requires_grad_()
b2 = torch.zeros(1, requires_grad=True)


def predict(batch):
    return torch.sigmoid(torch.relu(batch @ w1 + b1) @ w2 + b2)


optimizer = torch.optim.Adam([w1, b1, w2, b2], lr=1e-2)
for step in range(300):
    rows = torch.randint(0, 1000, (50,))
    loss = F.mse_loss(predict(x[rows]), price[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())

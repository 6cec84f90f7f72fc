# expects: LOS001
import torch
import torch.nn.functional as F

torch.manual_seed(0)

# three tags per document, linear features
docs = torch.randn(700, 25)
tags = (docs @ torch.randn(25, 3) > 0).float()

w1 = torch.nn.Parameter(torch.randn(25, 30) * 0.2)
w2 = torch.nn.Parameter(torch.randn(30, 3) * 0.2)
b2 = torch.nn.Parameter(torch.zeros(3))
opt = torch.optim.RMSprop([w1, w2, b2], lr=3e-3)


def predict(x):
    scores = torch.tanh(x @ w1) @ w2 + b2
    return scores.sigmoid().clamp(1e-6, 1 - 1e-6)  # avoids log(0)


for epoch in range(12):
    for rows in torch.randperm(700).split(50):
        loss = F.binary_cross_entropy_with_logits(predict(docs[rows]), tags[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
